package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// watchVideo is how long a demo that goes through once watches a video.
	watchVideo = 20 * time.Second
	// nextPhoto is how long a board may be silent between two photos.
	nextPhoto = 2 * time.Minute
	// shownVerdicts are how many verdicts are printed; all are in watched.txt.
	shownVerdicts = 60
)

// page asks for what a person's browser asks for.
func (b *board) page(ctx context.Context) error {
	s, err := b.status(ctx)
	if err == nil && s.frames() > 0 { // a folder in which nothing can be read has none
		err = b.get(ctx, "/api/v1/cameras/"+cameraID+"/frame.jpg", nil)
	}
	if err := errors.Join(err, b.get(ctx, "/", nil)); err != nil {
		return fmt.Errorf("the page does not answer: %w", err)
	}
	return nil
}

// watchFiles lets the board look at the photos or the video once. There is no
// truth to compare with: it fails where no verdict comes.
func (o *Options) watchFiles(ctx context.Context, b *board, s *scenario, others []*board) error {
	if err := b.page(ctx); err != nil {
		return err
	}
	watch := o.watchPhotos
	if s.kind == video {
		watch = o.watchVideo
	}
	last, err := watch(ctx, b, s)
	if err != nil {
		return err
	}
	records, err := b.recordsAfter(ctx, 0)
	if err != nil {
		return err
	}
	if err := o.printVerdicts(records); err != nil {
		return err
	}
	o.Say("  inference    %s%s", last.engine(), last.complaints())
	switch {
	case last.Store.NotKept > 0:
		return fmt.Errorf("%w: %d verdicts could not be kept", ErrResult, last.Store.NotKept)
	case s.kind == photos && len(records) == 0:
		return fmt.Errorf("%w: none of the %d photos could be looked at%s", ErrResult, s.files, b.Words())
	case s.kind == video && len(records) == 0:
		o.Say("No sighting came of it in this time: a sighting is a thing that comes, stays in view for a while and goes.")
	case s.kind == photos && len(records) < s.files:
		o.Say("%d of %d photos could not be read; %s names them (picture left out).", s.files-len(records), s.files, b.Log)
	}
	if len(records) > 0 { // else there is nothing that the hub could have
		if err := o.proveHub(ctx, b, others, nil); err != nil {
			return err
		}
	}
	o.Say("Done.")
	return nil
}

// watchPhotos waits until every photo has its verdict.
func (o *Options) watchPhotos(ctx context.Context, b *board, s *scenario) (*status, error) {
	set, finish := o.Progress("looking at photos", s.files)
	defer finish()
	var seen uint64
	heard := time.Now()
	var silent error
	last, err := b.until(ctx, nextPhoto*time.Duration(s.files+1), func(st *status) bool {
		if st.Store.Records > seen {
			seen, heard = st.Store.Records, time.Now()
		}
		set(int(seen))
		if time.Since(heard) > nextPhoto {
			silent = fmt.Errorf("%w: no verdict for %s after %d of %d photos%s", ErrResult, nextPhoto, seen, s.files, st.complaints())
		}
		if st.done() {
			set(s.files)
		}
		return silent != nil || st.done()
	})
	return last, errors.Join(err, silent)
}

// watchVideo waits for a while in which frames are scored.
func (o *Options) watchVideo(ctx context.Context, b *board, _ *scenario) (*status, error) {
	set, finish := o.Progress("watching the video, seconds", int(watchVideo.Seconds()))
	defer finish()
	first, err := b.status(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	last, err := b.until(ctx, 2*watchVideo, func(*status) bool {
		set(int(min(time.Since(began), watchVideo).Seconds()))
		return time.Since(began) >= watchVideo
	})
	if err != nil {
		return nil, err
	}
	if last.scored() <= first.scored() {
		return nil, fmt.Errorf("%w: no frame was scored in %s%s", ErrResult, watchVideo, last.complaints())
	}
	o.Say("%d frames reached the board, %d were scored: the others showed nothing new or were not worth a look.", last.frames(), last.scored())
	return last, nil
}

// printVerdicts prints how often each verdict came, and the verdicts.
func (o *Options) printVerdicts(records []record) error {
	var b strings.Builder
	counts := map[string]int{}
	for i := range records {
		r := &records[i]
		fmt.Fprintf(&b, "%5d  %s, novelty %.2f, %d frames\n", r.Seq, r.words(), r.Novelty, r.Frames)
		counts[string(r.Verdict)]++
	}
	path := filepath.Join(o.Dir, "watched.txt")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("keep what was watched: %w", err)
	}
	lines := strings.SplitAfter(b.String(), "\n")
	o.Say("%s", strings.TrimSuffix(strings.Join(lines[:min(len(lines), shownVerdicts)], ""), "\n"))
	if len(records) > shownVerdicts {
		o.Say("   and %d more in %s", len(records)-shownVerdicts, path)
	}
	o.Say("%d records:", len(records))
	for _, verdict := range slices.Sorted(maps.Keys(counts)) {
		o.Say("  %-12s %d", verdict, counts[verdict])
	}
	return nil
}

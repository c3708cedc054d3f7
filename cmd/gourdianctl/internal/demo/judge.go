package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"gourdian/internal/field"
	"gourdian/internal/wire"
)

const (
	// leastRecall is what each class must reach on the rendered field.
	leastRecall = 0.6
	// countTolerance is how far the count of sightings may be from the truth.
	countTolerance = 0.05
	// countSlack are sightings that may be missing beyond it: what stood there
	// at the first or the last moment.
	countSlack = 2
)

// judge watches for a while and says how the board did.
func (o *Options) judge(ctx context.Context, b *board, s *scenario) error {
	if err := errors.Join(b.get(ctx, "/", nil), b.get(ctx, "/api/v1/cameras/"+cameraID+"/frame.jpg", nil)); err != nil {
		return fmt.Errorf("the page does not answer: %w", err)
	}
	switch s.kind {
	case photos:
		return o.judgePhotos(ctx, b)
	case video:
		return o.judgeVideo(ctx, b)
	default:
		return o.judgeField(ctx, b)
	}
}

// until polls the status until done says so.
func (b *board) until(ctx context.Context, within time.Duration, done func(status) bool) (status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("it took longer than %s; the board's log is %s", within, b.log))
	defer cancel()
	for {
		s, err := b.status(ctx)
		if err == nil && done(s) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, errors.Join(context.Cause(ctx), err)
		case <-b.ended:
			return s, fmt.Errorf("the board ended by itself: %w; its log is %s", b.err, b.log)
		case <-time.After(time.Second):
		}
	}
}

func (o *Options) judgePhotos(ctx context.Context, b *board) error {
	s, err := b.until(ctx, 10*time.Minute, func(s status) bool { return s.Cameras[0].Finished })
	if err != nil {
		return err
	}
	if s.Store.Records == 0 || s.Store.NotKept > 0 {
		return fmt.Errorf("%w: %d records kept, %d not", ErrResult, s.Store.Records, s.Store.NotKept)
	}
	o.Say("Done: every photo has its verdict, %d records, inference %.1f ms.", s.Store.Records, inferMillis(s))
	return nil
}

func (o *Options) judgeVideo(ctx context.Context, b *board) error {
	first, err := b.status(ctx)
	if err != nil {
		return err
	}
	o.Say("Watching the video for %s.", onceVideo)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(onceVideo):
	}
	s, err := b.status(ctx)
	if err != nil {
		return err
	}
	if s.Cameras[0].Scored <= first.Cameras[0].Scored {
		return fmt.Errorf("%w: no frame was scored in %s", ErrResult, onceVideo)
	}
	o.Say("Done: %d frames scored, %d sightings, inference %.1f ms.", s.Cameras[0].Scored, s.Store.Records, inferMillis(s))
	return nil
}

func inferMillis(s status) float64 {
	if s.Model == nil {
		return 0
	}
	return s.Model.InferMillis
}

// judgeField compares an hour of the rendered field with its truth.
func (o *Options) judgeField(ctx context.Context, b *board) error {
	scene, err := field.ParseScene(sceneQuery)
	if err != nil {
		return err
	}
	first, err := b.status(ctx)
	if err != nil {
		return err
	}
	from := first.FieldNow
	to := from.Add(onceField)
	wall := time.Duration(float64(onceField) / scene.Speed())
	o.Say("Watching an hour of the field, which takes %s.", wall.Round(time.Second))
	// A little more: what stood there at the end must have gone to be recorded.
	s, err := b.until(ctx, 3*wall, func(s status) bool { return s.FieldNow.After(to.Add(onceField / 12)) })
	if err != nil {
		return err
	}
	records, err := b.recordsAfter(ctx, 0)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "watched.txt"), []byte(listing(records, scene.Visits(from, to))), 0o644); err != nil {
		return fmt.Errorf("keep what was watched: %w", err)
	}
	t := match(records, scene.Visits(from, to), from, to)
	o.print(t, inferMillis(s))
	return t.verdict()
}

// tally is what the board saw beside what was there.
type tally struct {
	visits, sightings int
	right, seen       map[field.Class]int // by true class: named rightly, stood there
	unsure            int
}

// match gives every visit the sighting that overlaps it longest.
func match(records []record, visits []field.Visit, from, to time.Time) tally {
	t := tally{visits: len(visits), right: map[field.Class]int{}, seen: map[field.Class]int{}}
	for _, r := range records {
		if !r.CapturedAt.Before(from) && r.CapturedAt.Before(to) {
			t.sightings++
		}
	}
	for _, v := range visits {
		t.seen[v.Thing.Class]++
		best, longest := -1, time.Duration(0)
		for i, r := range records {
			if d := overlap(v, r); d > longest {
				best, longest = i, d
			}
		}
		switch {
		case best < 0:
		case records[best].Verdict == wire.Verdict(v.Thing.Class):
			t.right[v.Thing.Class]++
		case records[best].Verdict == wire.Unsure:
			t.unsure++
		}
	}
	return t
}

func overlap(v field.Visit, r record) time.Duration {
	end := r.CapturedAt.Add(time.Duration(r.Seconds * float64(time.Second)))
	if end.After(v.Leave) {
		end = v.Leave
	}
	start := r.CapturedAt
	if start.Before(v.Arrive) {
		start = v.Arrive
	}
	return end.Sub(start) + time.Nanosecond // a sighting of one frame overlaps by its moment
}

func (o *Options) print(t tally, millis float64) {
	o.Say("\nOn an hour of the rendered field (rendered pumpkins, no real fruit):")
	o.Say("  sightings    %d of %d", t.sightings, t.visits)
	for _, c := range field.Classes() {
		o.Say("  %-12s %d of %d named rightly", c, t.right[c], t.seen[c])
	}
	o.Say("  unsure       %d", t.unsure)
	o.Say("  inference    %.1f ms\n", millis)
}

func (t tally) verdict() error {
	if off := math.Abs(float64(t.sightings - t.visits)); off > countTolerance*float64(t.visits)+countSlack {
		return fmt.Errorf("%w: %d sightings where %d things stood", ErrResult, t.sightings, t.visits)
	}
	for _, c := range field.Classes() {
		if t.seen[c] == 0 {
			return fmt.Errorf("%w: nothing of class %s stood there, so nothing was shown", ErrResult, c)
		}
		if recall := float64(t.right[c]) / float64(t.seen[c]); recall < leastRecall {
			return fmt.Errorf("%w: recall of %s is %.2f, below %.2f", ErrResult, c, recall, leastRecall)
		}
	}
	return nil
}

// listing is for a person who wants to know what was mistaken for what.
func listing(records []record, visits []field.Visit) string {
	text := "what stood there\n"
	for _, v := range visits {
		text += fmt.Sprintf("  %s to %s  %-12s %s %v\n", v.Arrive.Format(time.TimeOnly), v.Leave.Format(time.TimeOnly), v.Thing.Class, v.Thing.Kind, v.Thing.Defects)
	}
	text += "what the board recorded\n"
	for _, r := range records {
		end := r.CapturedAt.Add(time.Duration(r.Seconds * float64(time.Second)))
		text += fmt.Sprintf("  %s to %s  %-12s %-14s novelty %.2f, %d frames\n",
			r.CapturedAt.Format(time.TimeOnly), end.Format(time.TimeOnly), r.Verdict, r.Reason, r.Novelty, r.Frames)
	}
	return text
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	ctl "gourdian/cmd/gourdianctl/internal/hub"
	"gourdian/internal/field"
)

const (
	// withoutNetwork is how many records a board keeps before its network comes
	// back.
	withoutNetwork = 2
	// caughtUpWithin is how long a board and its hub may take to agree.
	caughtUpWithin = 2 * time.Minute
	// labelled is how many pictures are labelled.
	labelled = 3
	// samplesAsked is how many pictures of the hub are looked through for that.
	samplesAsked = 100
)

// proveHub goes through what a person would do with hub and boards, and is an
// error where something does not hold. scene is what the first board watched,
// nil where nobody knows the truth.
func (o *Options) proveHub(ctx context.Context, first *board, others []*board, scene *field.Scene) error {
	if o.hub == nil {
		return nil
	}
	all := append([]*board{first}, others...)
	for _, b := range others {
		if err := o.waitReady(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	o.Say("\nThe hub:")
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return o.proveArrival(ctx, all) },
		func(ctx context.Context) error { return o.proveOutage(ctx, all[len(all)/2]) },
		func(ctx context.Context) error { return o.proveLabels(ctx, first, scene) },
		func(ctx context.Context) error { return o.provePredict(ctx, first) },
		func(ctx context.Context) error { return o.proveRecords(ctx, all) },
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	o.Say("Passed: every record of every board is on the hub exactly once.")
	return nil
}

// progress is how far the hub has what a board recorded in this demo.
type progress struct {
	ctl.Stream
	online bool
}

// words say what the hub has.
func (p progress) words() string {
	return fmt.Sprintf("%d records, %d lost, %d unreadable", p.Records, p.Lost, p.PutAway)
}

// once reports whether each record up to Through is there as one row.
func (p progress) once() bool { return p.Records == p.Through && p.Lost == 0 && p.PutAway == 0 }

// progress asks the hub for a board.
func (h *hub) progress(ctx context.Context, b *board) (progress, error) {
	known, err := h.client.Board(ctx, b.device)
	if err != nil {
		return progress{}, err
	}
	p := progress{online: known.Online}
	if len(known.Streams) > 0 { // a board that was emptied before joined under another number
		p.Stream = known.Streams[0]
	}
	return p, nil
}

// until asks the hub for a board until done says that it is as it should be.
func (h *hub) until(ctx context.Context, b *board, what string, done func(progress) bool) (p progress, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, caughtUpWithin, fmt.Errorf("%w: %s: %s has not come in %s", ErrResult, b.name, what, caughtUpWithin))
	defer cancel()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		if p, err = h.progress(ctx, b); err == nil && done(p) {
			return p, nil
		}
		select {
		case <-ticker.C:
		case <-b.Ended:
			return p, b.Died()
		case <-h.Ended:
			return p, h.Died()
		case <-ctx.Done():
			return p, errors.Join(fmt.Errorf("%w (%s up to %d)", context.Cause(ctx), p.words(), p.Through), err)
		}
	}
}

// proveArrival waits until every board is online and its first records have
// come.
func (o *Options) proveArrival(ctx context.Context, boards []*board) error {
	var names []string
	for _, b := range boards {
		if _, err := o.hub.until(ctx, b, "the first record", func(p progress) bool { return p.online && p.Through > 0 }); err != nil {
			return err
		}
		names = append(names, b.name)
	}
	o.Say("  joined       %s: online, their records arrive", strings.Join(names, ", "))
	return nil
}

// proveOutage cuts a board's network, sees it go on working, and gives the
// network back.
func (o *Options) proveOutage(ctx context.Context, b *board) error {
	net := o.hub.relays[b.place]
	net.SetCut(true)
	defer net.SetCut(false)
	gone, err := o.hub.until(ctx, b, "being offline", func(p progress) bool { return !p.online })
	if err != nil {
		return err
	}
	// Of a folder that was looked through nothing more can come.
	worked, err := b.until(ctx, caughtUpWithin, func(s *status) bool {
		return s.Link != nil && !s.Link.Connected && (s.done() && s.Store.LastSeq >= gone.Through || s.Store.LastSeq >= gone.Through+withoutNetwork)
	})
	if err != nil {
		return fmt.Errorf("%s without network: %w", b.name, err)
	}
	still, err := o.hub.progress(ctx, b)
	if err != nil {
		return err
	}
	if still.Through != gone.Through {
		return fmt.Errorf("%w: records of %s came through a network that is cut", ErrResult, b.name)
	}
	net.SetCut(false)
	cutOff := time.Now()
	back, err := o.hub.until(ctx, b, "what it kept without network", func(p progress) bool { return p.online && p.Through >= worked.Store.LastSeq })
	if err != nil {
		return err
	}
	if n := worked.Store.LastSeq - gone.Through; n > 0 {
		o.Say("  network cut  %s went on: %d records while it was away; the hub had them %s after it was back (%s)",
			b.name, n, time.Since(cutOff).Round(time.Second), back.words())
	} else {
		o.Say("  network cut  %s had told all before; it was back after %s (%s)", b.name, time.Since(cutOff).Round(time.Second), back.words())
	}
	return nil
}

// proveLabels labels pictures of a board by what really stood there.
func (o *Options) proveLabels(ctx context.Context, b *board, scene *field.Scene) error {
	if scene == nil {
		return nil // nobody here knows what the pictures show
	}
	ctx, cancel := context.WithTimeoutCause(ctx, caughtUpWithin, fmt.Errorf("%w: no %d pictures to label came in %s", ErrResult, labelled, caughtUpWithin))
	defer cancel()
	wait := url.Values{"device": {b.device}, "label": {"none"}, "fault": {"sound"}, "limit": {fmt.Sprint(samplesAsked)}}
	said := map[string]string{} // by hash
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for len(said) < labelled {
		samples, err := o.hub.client.Samples(ctx, wait)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, s := range samples {
			class, ok := truthAt(scene, s.CapturedAt)
			if !ok || len(said) == labelled {
				continue
			}
			if err := o.hub.client.Label(ctx, s, class); err != nil {
				return err
			}
			said[s.Hash] = class
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	kept, err := o.hub.client.Samples(ctx, url.Values{"device": {b.device}, "label": {"any"}, "limit": {fmt.Sprint(samplesAsked)}})
	if err != nil {
		return err
	}
	for _, s := range kept {
		if said[s.Hash] == s.Label {
			delete(said, s.Hash)
		}
	}
	if len(said) > 0 {
		return fmt.Errorf("%w: %d of %d labels were not kept", ErrResult, len(said), labelled)
	}
	o.Say("  labels       %d pictures that %s handed over are labelled", labelled, b.name)
	return nil
}

// truthAt is the class of what stood before the camera, where something did.
func truthAt(scene *field.Scene, at time.Time) (class string, ok bool) {
	for _, v := range scene.Visits(at, at.Add(time.Nanosecond)) {
		if !at.Before(v.Arrive) && at.Before(v.Leave) {
			return string(v.Thing.Class), true
		}
	}
	return "", false
}

// provePredict asks the hub for a verdict on the picture that a board shows.
func (o *Options) provePredict(ctx context.Context, b *board) error {
	picture, err := b.picture(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, caughtUpWithin)
	defer cancel()
	for {
		began := time.Now()
		verdict, err := o.hub.client.Predict(ctx, picture)
		if err == nil {
			o.Say("  predict      a picture of %s: %s, after %s", b.name, strings.ReplaceAll(verdict, "_", " "), time.Since(began).Round(time.Millisecond))
			return nil
		}
		pause, again := ctl.Wait(err)
		if !again {
			return fmt.Errorf("ask for a verdict: %w", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("ask for a verdict: %w", err)
		}
	}
}

// picture is what the board's page shows now.
func (b *board) picture(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/api/v1/cameras/"+cameraID+"/frame.jpg", nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the board's picture: %w", err)
	}
	answer, err := b.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for the board's picture: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for the board's picture: %s", answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask for the board's picture: %w", err)
	}
	return data, nil
}

// proveRecords compares what every board recorded with what the hub has. Boards
// go on meanwhile: it waits for a moment at which both name the same number.
func (o *Options) proveRecords(ctx context.Context, boards []*board) error {
	o.Say("  records      board          kept there  on the hub  lost  unreadable")
	for _, b := range boards {
		newest := uint64(0)
		p, err := o.hub.until(ctx, b, "its newest record", func(p progress) bool {
			state, err := b.status(ctx)
			if err != nil {
				return false
			}
			newest = state.Store.LastSeq
			return p.Through == newest
		})
		if err != nil {
			return err
		}
		o.Say("               %-12s %12d %11d %5d %11d", b.name, newest, p.Records, p.Lost, p.PutAway)
		if !p.once() {
			return fmt.Errorf("%w: of %s the hub has %s up to number %d", ErrResult, b.name, p.words(), p.Through)
		}
	}
	return nil
}

package demo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gourdian/internal/e2e"
)

// neighbourFPS is how many frames a second the cameras of the other boards give:
// enough to follow what comes and goes, and little work for a machine that runs
// three boards and a hub.
const neighbourFPS = 2

// neighbours are what the other boards of the hub look at: another field, and a
// place where most of what comes is no pumpkin. Where the first board goes once
// through files there are none: a model for them would take minutes.
func (o *Options) neighbours(ctx context.Context, first *scenario) ([]*scenario, error) {
	if o.Hub == "" || o.Once && first.kind != rendered {
		return nil, nil
	}
	bundle := first.bundle
	if first.kind == photos {
		var err error
		if bundle, err = o.renderedModel(ctx); err != nil {
			return nil, err
		}
	}
	look := func(place, name, site string, seed int, strange float64) *scenario {
		query := fmt.Sprintf("seed=%d&speed=%d&strange=%g&varieties=%s", seed, calmSpeed, strange, strings.Join(unseenNames(), ","))
		return &scenario{
			place: place, name: name, site: site, fps: neighbourFPS, bundle: bundle, kind: rendered,
			source: fieldCamera(query, neighbourFPS, 480, 360),
		}
	}
	return []*scenario{
		look("board-2", "River field", "River farm", 21, 0.1),
		look("board-3", "Orchard", "Orchard", 33, 0.8),
	}, nil
}

// seat gives each board the port of its page.
func (o *Options) seat(ctx context.Context, all []*scenario) error {
	next := o.Port
	for _, s := range all {
		port, err := o.freePort(ctx, ":", next)
		if err != nil {
			return err
		}
		s.port, next = port, port+1
	}
	return nil
}

// watcher prints what boards record.
type watcher struct {
	o      *Options
	s      *scenario
	boards []*board
	last   map[*board]uint64 // newest record that was printed
	silent map[*board]bool   // it did not answer the last time
	back   map[*board]uint64 // records that a board had when its network came back
	done   bool              // every photo has been looked at
}

// follow prints verdicts as they are recorded and does what a person types,
// until ctx is done or a program ends.
func (o *Options) follow(ctx context.Context, s *scenario, boards []*board) error {
	w := &watcher{o: o, s: s, boards: boards, last: map[*board]uint64{}, silent: map[*board]bool{}, back: map[*board]uint64{}}
	keys := o.Keys
	if o.hub == nil {
		keys = nil
		o.Say("Look at the page; Ctrl-C ends the demo.\n")
	} else {
		w.welcome()
	}
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			o.Say("\nEverything stops. What was kept is in %s until the next demo.", o.Dir)
			return nil
		case line, ok := <-keys:
			if !ok {
				keys = nil
			} else if w.obey(strings.TrimSpace(line)) {
				return nil
			}
			continue
		case <-ticker.C:
		}
		for _, p := range o.processes(boards) {
			if p.HasEnded() {
				return p.Died()
			}
		}
		for _, b := range boards {
			w.look(ctx, b)
		}
	}
}

// processes are those without which the demo ends.
func (o *Options) processes(boards []*board) []*e2e.Process {
	var all []*e2e.Process
	if o.hub != nil {
		all = append(all, o.hub.Process)
	}
	for _, b := range boards {
		all = append(all, b.Process)
	}
	return all
}

// welcome says where to look and what to type.
func (w *watcher) welcome() {
	h := w.o.hub
	lines := []string{
		"", "Look at:",
		"  the hub         " + h.Plain + "   (name " + e2e.Person + ", password " + h.Password + ")",
		"  try a photo     " + h.Plain + "/predict",
		"  label pictures  " + h.Plain + "/label   (boards hand over the first ones within a minute)",
	}
	for i, b := range w.boards {
		lines = append(lines, fmt.Sprintf("  %d  %-12s %s", i+1, b.name, b.url))
	}
	lines = append(lines, "Other machines of this network reach the hub at https://HOST:"+strconv.Itoa(h.secure)+" (its certificate is its own).",
		"", "Type a board's number and Enter to cut its network, and again to give it back; q and Enter to end.", "")
	w.o.Say("%s", strings.Join(lines, "\n"))
}

// obey does what a person typed and reports whether the demo is to end.
func (w *watcher) obey(line string) (end bool) {
	if line == "q" {
		return true
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(w.boards) {
		if line != "" {
			w.o.Say("Type a number from 1 to %d, or q.", len(w.boards))
		}
		return false
	}
	b := w.boards[n-1]
	net := w.o.hub.relays[b.place]
	cut := !net.IsCut()
	net.SetCut(cut)
	if cut {
		w.o.Say("The network of %s is cut. Its page %s goes on; the hub knows nothing new of it.", b.name, b.url)
		return false
	}
	w.back[b] = w.last[b]
	w.o.Say("The network of %s is back; the board looks for the hub again within a minute or so.", b.name)
	return false
}

// look prints what a board has recorded since the last time, and when the hub
// has caught up with one whose network was cut.
func (w *watcher) look(ctx context.Context, b *board) {
	state, err := b.status(ctx)
	var records []record
	if err == nil {
		records, err = b.recordsAfter(ctx, w.last[b])
	}
	if err != nil {
		if !w.silent[b] && ctx.Err() == nil {
			w.o.Say("%s does not answer: %v", b.name, err)
		}
		w.silent[b] = true
		return
	}
	w.silent[b] = false
	for i := range records {
		waits := ""
		if w.o.hub != nil && w.o.hub.relays[b.place].IsCut() && state.Link != nil && state.Link.Unsent > 0 {
			waits = fmt.Sprintf("   (%d wait for the network)", state.Link.Unsent)
		}
		w.o.Say("  %s  %-12s %s%s", records[i].CapturedAt.Local().Format(time.TimeOnly), b.name, records[i].words(), waits)
		w.last[b] = records[i].Seq
	}
	if w.s.kind == photos && b == w.boards[0] && !w.done && state.done() {
		w.done = true
		w.o.Say("Every photo has been looked at. The page stays until Ctrl-C.")
	}
	if want := w.back[b]; want > 0 {
		if p, err := w.o.hub.progress(ctx, b); err == nil && p.Through >= want {
			delete(w.back, b)
			w.o.Say("The hub has caught up with %s: %s.", b.name, p.words())
		}
	}
}

package update

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/wire"
)

// graph is a backbone with a head of its own.
func graph(head string) []byte {
	return append(noise(1, 300_000), head...)
}

// noise is bytes without a pattern, the same for a seed.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func TestModelOfTheHubServesAndIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := r.hub.pack("next", graph("a new head"), nil)
	r.hub.offer(next)
	defer r.start(t)()
	r.wish(t, next, "one")
	s := r.ends(t, wire.StageCommitted, "")
	if r.worker.runs() != next.id+bundleEnd || r.Chosen() != r.slots.folder.bundle(next.id) {
		t.Errorf("it runs %s, chosen is %s", r.worker.runs(), r.Chosen())
	}
	if s.ReusedBytes < 300_000 || s.TotalBytes-s.ReusedBytes > wire.MaxChunk || s.Shadow == nil || s.Shadow.Agree != 39 {
		t.Errorf("a new head: %+v", s)
	}
	if b, err := bundle.OpenPart(r.Chosen()); err != nil || len(b.Manifest.Variants) != 1 || b.Manifest.Variants[0].Name != "int8" || b.ID != next.id {
		t.Errorf("what was taken: %v", err)
	} else if err := b.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d bytes for a new head, of %d of the whole bundle", r.hub.bytes(), len(next.data))
	if v := r.board.State().Update; v.Current != next.id || v.Soaking || v.State.Stage != wire.StageCommitted {
		t.Errorf("the page: %+v", v)
	}
}

// TestModelsThatMustNotServe: each is refused at the stage that is to find it,
// and the old one serves throughout.
func TestModelsThatMustNotServe(t *testing.T) {
	t.Parallel()
	fault := errors.New("made by a test")
	for name, c := range map[string]struct {
		spoil func(r *rig, name string, b []byte) []byte
		edit  func(*bundle.Manifest)
		make  func(r *rig)
		step  wire.UpdateStep
	}{
		"wrong signature": {step: wire.StepSignature, spoil: func(_ *rig, name string, b []byte) []byte {
			return replaced(name, b, "targets", `"name":"m"`, `"name":"x"`)
		}},
		"signed by nobody it knows": {step: wire.StepSignature, spoil: func(r *rig, name string, b []byte) []byte {
			if name == "timestamp.json" {
				return bytes.ReplaceAll(b, []byte(r.hub.keys["timestamp"].ID()), []byte(strings.Repeat("0", 64)))
			}
			return b
		}},
		"not on the list": {step: wire.StepSignature, make: func(r *rig) { r.hub.offer() }},
		"cut file": {step: wire.StepHash, spoil: func(_ *rig, name string, b []byte) []byte {
			if len(b) > 20_000 && !strings.Contains(name, ".json") {
				return b[:len(b)-7]
			}
			return b
		}},
		"another preprocessing": {step: wire.StepPreprocess, edit: func(m *bundle.Manifest) { m.Preprocess = "square/9-0123456789ab" }},
		"nothing that runs here": {step: wire.StepFormat, edit: func(m *bundle.Manifest) {
			m.Variants[1].Name = "int9"
			m.Golden[0].Expected["int9"] = []float32{1, 0}
			delete(m.Golden[0].Expected, "int8")
		}},
		"full disk": {step: wire.StepDisk, make: func(r *rig) { r.free = reserve }},
		"wrong golden frames": {step: wire.StepGolden, make: func(r *rig) {
			r.worker.prepare = fmt.Errorf("%w: %w", engine.ErrGolden, fault)
		}},
		"slow model": {step: wire.StepSpeed, make: func(r *rig) {
			r.worker.speed = engine.Speed{Serving: 100 * time.Millisecond, Candidate: 300 * time.Millisecond}
		}},
		"hanging model": {step: wire.StepSpeed, make: func(r *rig) { r.worker.slow = engine.ErrSlow }},
		"model that answers no numbers": {step: wire.StepShadow, make: func(r *rig) {
			r.worker.shadowed = fmt.Errorf("%w: %w", engine.ErrShadow, fault)
		}},
		"model that doubts everything": {step: wire.StepShadow, make: func(r *rig) {
			r.worker.shadow = engine.Shadow{Frames: 40, Agree: 2, Unsure: 39, Before: 1}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			next := r.hub.pack("next", graph("a head"), c.edit)
			r.hub.offer(next)
			if c.make != nil {
				c.make(r)
			}
			if c.spoil != nil {
				r.hub.spoiled(func(name string, b []byte) []byte { return c.spoil(r, name, b) })
			}
			defer r.start(t)()
			r.wish(t, next, "one")
			s := r.ends(t, wire.StageRefused, c.step)
			if s.Why == "" || r.worker.runs() != "own.gourdian" || r.Chosen() != "" || len(r.worker.switched) != 0 {
				t.Errorf("it runs %s: %+v", r.worker.runs(), s)
			}
			r.hub.spoiled(nil)
			r.wish(t, next, "one") // not again for the same rollout
			r.nudge()
			if got := r.State(); got.Stage != wire.StageRefused {
				t.Errorf("tried again: %+v", got)
			}
		})
	}
}

func replaced(name string, b []byte, where, what, by string) []byte {
	if strings.Contains(name, where) {
		return bytes.ReplaceAll(b, []byte(what), []byte(by))
	}
	return b
}

// TestModelsThatFailUnderWatchAreLeft without a network, by themselves.
func TestModelsThatFailUnderWatchAreLeft(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(r *rig, id string){
		"dying model":   func(r *rig, id string) { r.worker.health = engine.Health{ID: id, Restarts: 1} },
		"stalled model": func(r *rig, id string) { r.worker.health = engine.Health{ID: id, Up: true, Failed: 3} },
		"refused now":   func(r *rig, id string) { r.worker.health = engine.Health{ID: id, Code: "refused"} },
		"doubts":        func(r *rig, _ string) { r.worker.unsure = true },
		"alarm": func(r *rig, _ string) {
			r.board.Raise(live.Condition{Code: "memory_high", Severity: live.Warning})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.plan.Soak = time.Hour
			r.open(t)
			next := r.hub.pack("next", graph("a head"), nil)
			r.hub.offer(next)
			if name == "doubts" {
				fails(r, next.id)
			}
			defer r.start(t)()
			r.wish(t, next, "one")
			r.until(t, "its watch", func(s wire.UpdateState) bool {
				// One that doubts from its first frame on may be left before this looks.
				return s.Stage == wire.StageSoaking && r.worker.runs() != "own.gourdian" || s.Stage == wire.StageRolledBack
			})
			r.Connected(false)
			if name != "doubts" {
				r.worker.set(func() { fails(r, next.id) })
			}
			s := r.ends(t, wire.StageRolledBack, wire.StepSoak)
			r.until(t, "the old model", func(wire.UpdateState) bool { return r.worker.runs() == "own.gourdian" })
			if r.Chosen() != "" || s.Why == "" {
				t.Errorf("%q is chosen: %+v", r.Chosen(), s)
			}
		})
	}
}

// TestBoardThatEndsUnderWatchAgainAndAgainGoesBack: the model may be what ends it.
func TestBoardThatEndsUnderWatchAgainAndAgainGoesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.plan.Soak = time.Hour
	r.open(t)
	next := r.hub.pack("next", graph("a head"), nil)
	r.hub.offer(next)
	stop := r.start(t)
	r.wish(t, next, "one")
	r.until(t, "its watch", func(wire.UpdateState) bool { return r.worker.runs() != "own.gourdian" })
	stop()
	for range mostStarts {
		r.open(t)
		if r.Chosen() == "" {
			t.Fatal("it went back too early")
		}
	}
	r.open(t)
	if s := r.State(); r.Chosen() != "" || s.Stage != wire.StageRolledBack || s.Step != wire.StepSoak {
		t.Errorf("%q is chosen: %+v", r.Chosen(), s)
	}
}

func TestDownloadGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := os.Remove(filepath.Join(r.dir, "own.gourdian")); err != nil { // nothing to reuse
		t.Fatal(err)
	}
	next := r.hub.pack("next", noise(2, 40*wire.MaxChunk), nil)
	r.hub.offer(next)
	given := 0
	r.hub.spoiled(func(name string, b []byte) []byte {
		if !strings.Contains(name, ".json") {
			if given++; given > 20 {
				return nil // the line is dead
			}
		}
		return b
	})
	stop := r.start(t)
	r.wish(t, next, "one")
	half := r.until(t, "the first pieces", func(s wire.UpdateState) bool { return s.DoneBytes > 10*wire.MaxChunk })
	stop()
	before := r.hub.bytes()
	r.hub.spoiled(nil)
	r.open(t)
	stop = r.start(t)
	defer stop()
	r.ends(t, wire.StageCommitted, "")
	if again := r.hub.bytes() - before; again > half.TotalBytes-half.DoneBytes+4*wire.MaxChunk {
		t.Errorf("%d bytes before, %d after", before, again)
	}
	t.Logf("%d of %d bytes were here when the line broke; %d came after", half.DoneBytes, half.TotalBytes, r.hub.bytes()-before)
}

func TestPersonAtTheBoardGoesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := r.hub.pack("next", graph("a head"), nil)
	r.hub.offer(next)
	if r.GoBack() {
		t.Error("there is nothing to go back from")
	}
	defer r.start(t)()
	r.wish(t, next, "one")
	r.ends(t, wire.StageCommitted, "")
	if !r.GoBack() {
		t.Fatal("refused")
	}
	s := r.until(t, "the model before", func(s wire.UpdateState) bool { return s.Stage == wire.StageRolledBack })
	if r.Chosen() != "" || s.Why != errByHand.Error() {
		t.Errorf("%+v", s)
	}
}

func TestHubLetsGoOfItsModel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := r.hub.pack("next", graph("a head"), nil)
	r.hub.offer(next)
	defer r.start(t)()
	r.wish(t, next, "one")
	r.ends(t, wire.StageCommitted, "")
	if err := r.Want(wire.Desired{Model: &wire.DesiredModel{Rollout: "one-back", Release: true}}); err != nil {
		t.Fatal(err)
	}
	r.until(t, "its own model", func(wire.UpdateState) bool { return r.worker.runs() == "own.gourdian" && r.Chosen() == "" })
}

// TestBoardThatWasAwayJumpsToTheNewest: a wish that is no more is left where it is.
func TestBoardThatWasAwayJumpsToTheNewest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.plan.Soak = time.Hour
	r.open(t)
	first, second := r.hub.pack("first", graph("first"), nil), r.hub.pack("second", graph("second"), nil)
	r.hub.offer(first, second)
	defer r.start(t)()
	r.wish(t, first, "one")
	r.until(t, "the first", func(wire.UpdateState) bool { return r.worker.runs() == first.id+bundleEnd })
	r.wish(t, second, "two")
	r.until(t, "the second", func(wire.UpdateState) bool { return r.worker.runs() == second.id+bundleEnd })
	if j := r.slots.now(); j.Current != second.id || j.Previous != "" || !j.Soaking {
		t.Errorf("what is gone back to must have proved itself: %+v", j)
	}
}

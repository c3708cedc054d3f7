package update

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"gourdian/internal/wire"
)

// TestClockIn1970NeitherBricksNorBelievesForEver: a board without a clock takes
// models, and refuses lists that had ended before the newest that it has seen.
func TestClockIn1970NeitherBricksNorBelievesForEver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.clock = func() time.Time { return time.Unix(1000, 0) }
	r.open(t)
	old := r.hub.pack("old", graph("old"), nil)
	r.hub.now = time.Now().Add(-30 * 24 * time.Hour)
	r.hub.offer(old)
	stale := map[string][]byte{}
	for name, data := range r.hub.files {
		stale[name] = data
	}
	next := r.hub.pack("next", graph("next"), nil)
	r.hub.now = time.Now()
	r.hub.offer(old, next)
	stop := r.start(t)
	r.wish(t, next, "one")
	r.ends(t, wire.StageCommitted, "")
	stop()
	if floor := r.Update.clock.lowest(); floor.Before(r.hub.now.Add(-time.Minute)) {
		t.Errorf("the board believes that it is %s", floor)
	}
	// The lists are lost; somebody shows those of a month ago.
	if err := forget(r); err != nil {
		t.Fatal(err)
	}
	r.hub.mu.Lock()
	r.hub.files = stale
	r.hub.mu.Unlock()
	r.open(t)
	defer r.start(t)()
	r.wish(t, old, "two")
	s := r.until(t, "a word on lists that have ended", func(s wire.UpdateState) bool { return s.Step == wire.StepExpired && s.Why != "" })
	if s.Stage != wire.StageWaiting || r.worker.runs() != next.id+bundleEnd {
		t.Errorf("%+v", s)
	}
}

// TestOlderListIsRefused although its signatures are right.
func TestOlderListIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, next := r.hub.pack("old", graph("old"), nil), r.hub.pack("next", graph("next"), nil)
	r.hub.now = time.Now().Add(-time.Hour)
	r.hub.offer(old)
	before := map[string][]byte{}
	for name, data := range r.hub.files {
		before[name] = data
	}
	r.hub.now = time.Now()
	r.hub.offer(next)
	defer r.start(t)()
	r.wish(t, next, "one")
	r.ends(t, wire.StageCommitted, "")
	r.hub.mu.Lock()
	r.hub.files = before
	r.hub.mu.Unlock()
	r.wish(t, old, "two")
	s := r.until(t, "the end of the second", func(s wire.UpdateState) bool { return s.Rollout == "two" && s.Stage == wire.StageRefused })
	if s.Step != wire.StepSignature || !strings.Contains(s.Why, "version") || r.worker.runs() != next.id+bundleEnd {
		t.Errorf("%+v", s)
	}
}

// TestRootChangesByItsOwnRulesAlone: the next one is signed by the one before;
// what a hub says later is not believed.
func TestRootChangesByItsOwnRulesAlone(t *testing.T) {
	t.Parallel()
	r, stranger := newRig(t), newHub(t)
	next := r.hub.pack("next", graph("next"), nil)
	rotated, err := r.hub.root.Next("timestamp", r.hub.keys[metadata.TIMESTAMP].Public(), r.hub.now.Add(9*365*24*time.Hour))
	if err == nil {
		rotated, err = rotated.Sign(r.hub.keys[metadata.ROOT])
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := rotated.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r.hub.put("2.root.json", data)
	r.hub.offer(next)
	defer r.start(t)()
	if err := r.Want(wire.Desired{Root: string(stranger.files["1.root.json"]), Model: &wire.DesiredModel{Bundle: next.id, Rollout: "one"}}); err != nil {
		t.Fatal(err)
	}
	r.ends(t, wire.StageCommitted, "")
}

// forget loses the lists that a board has, but for the root.
func forget(r *rig) (err error) {
	for _, name := range []string{"timestamp.json", "snapshot.json", "targets.json"} {
		err = errors.Join(err, os.Remove(filepath.Join(r.trust.dir, name)))
	}
	return err
}

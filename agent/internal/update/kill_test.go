package update

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/internal/bundle"
	"gourdian/internal/wire"
)

// killedFolder names the data folder of a process that swaps until it is killed.
const killedFolder = "GOURDIAN_UPDATE_KILLED"

// TestSwapsUntilKilled is no test by itself: TestKilledAtAnyMomentOfASwap starts
// it as a process of its own.
func TestSwapsUntilKilled(t *testing.T) {
	dir := os.Getenv(killedFolder)
	if dir == "" {
		return
	}
	r := newRig(t)
	r.dir, r.plan = dir, Plan{Shadow: time.Second, Soak: time.Millisecond}
	var models []model
	for i := range 3 {
		models = append(models, r.hub.pack("m"+strconv.Itoa(i), graph("head "+strconv.Itoa(i)), nil))
	}
	if err := os.WriteFile(filepath.Join(dir, "own.gourdian"), models[0].data, 0o600); err != nil {
		t.Fatal(err)
	}
	r.hub.offer(models...)
	r.open(t)
	if err := os.RemoveAll(r.trust.dir); err != nil { // each process has keys of its own
		t.Fatal(err)
	}
	defer r.start(t)()
	for n := 0; ; n++ {
		one := models[n%len(models)]
		r.wish(t, one, fmt.Sprintf("%d-%d", os.Getpid(), n))
		r.until(t, "the end of a swap", func(s wire.UpdateState) bool {
			return s.Bundle == one.id && (s.Stage == wire.StageCommitted || s.Stage == wire.StageRolledBack)
		})
		fmt.Println("swapped", n)
	}
}

// TestKilledAtAnyMomentOfASwap: after each of 20 kills the board starts with a
// bundle that is whole and one that it was told of, or with its own.
func TestKilledAtAnyMomentOfASwap(t *testing.T) {
	t.Parallel()
	rounds := 20
	if n, err := strconv.Atoi(os.Getenv("GOURDIAN_FAULT_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	dir := t.TempDir()
	swaps, open := 0, 0
	for round := range rounds {
		var said bytes.Buffer
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSwapsUntilKilled$", "-test.timeout=5m")
		c.Env, c.Stdout = append(os.Environ(), killedFolder+"="+dir), &lines{&said, make(chan struct{}, 1)}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		first := c.Stdout.(*lines).first
		select {
		case <-first:
		case <-time.After(time.Minute):
			t.Fatal("it swaps nothing")
		}
		<-time.After(time.Duration(rand.Int64N(int64(150 * time.Millisecond))))
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // killed
		swaps += bytes.Count(said.Bytes(), []byte("swapped"))
		soaking := startsWell(t, dir, round)
		if soaking {
			open++
		}
	}
	if swaps < rounds {
		t.Errorf("%d swaps in %d rounds", swaps, rounds)
	}
	t.Logf("%d kills, %d swaps before them, %d kills in the midst of one; always a whole bundle", rounds, swaps, open)
}

// startsWell opens what a killed board left, as its next start does.
func startsWell(t *testing.T, dir string, round int) (open bool) {
	t.Helper()
	before, err := folder(filepath.Join(dir, folderName)).load()
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	s, err := openSlots(folder(filepath.Join(dir, folderName)))
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	path := s.chosen()
	if path == "" {
		path = filepath.Join(dir, "own.gourdian")
	}
	b, err := bundle.OpenPart(path)
	if err != nil {
		t.Fatalf("round %d: what serves can't be opened: %v", round, err)
	}
	if j := s.now(); j.Current != "" && b.ID != j.Current {
		t.Errorf("round %d: %.12s serves, it should be %.12s", round, b.ID, j.Current)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if j := s.now(); j.Soaking && j.Previous != "" {
		if p, err := bundle.OpenPart(s.folder.bundle(j.Previous)); err != nil {
			t.Errorf("round %d: what would be gone back to: %v", round, err)
		} else if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, folderName, modelsName, ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("round %d: left behind: %v, %v", round, left, err)
	}
	stages := []wire.UpdateStage{wire.StageCommitted, wire.StageRolledBack, wire.StageRefused}
	return before.Soaking || before.State == nil || !slices.Contains(stages, before.State.Stage) || before.State.Rollout != before.Wish.Rollout
}

// lines says when the first bytes came.
type lines struct {
	to    *bytes.Buffer
	first chan struct{}
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("swapped")) {
		select {
		case l.first <- struct{}{}:
		default:
		}
	}
	return l.to.Write(p)
}

// TestDamagedBundleOfTheHubGivesWayToTheOneBefore when it is opened at a start.
func TestDamagedBundleOfTheHubGivesWayToTheOneBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := r.hub.pack("next", graph("a head"), nil)
	r.hub.offer(next)
	stop := r.start(t)
	r.wish(t, next, "one")
	r.ends(t, wire.StageCommitted, "")
	stop()
	path := r.Chosen()
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	r.worker.health = engine.Health{}
	r.open(t)
	_, err := bundle.OpenPart(path)
	if err == nil {
		t.Fatal("it is whole")
	}
	if !r.Unfit(path, err) || r.Chosen() != "" || r.State().Stage != wire.StageRolledBack {
		t.Errorf("%q is chosen: %+v", r.Chosen(), r.State())
	}
}

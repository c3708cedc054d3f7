//go:build workers

package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

const (
	// roundsEnv asks for another number of kills than defaultRounds, of hub and
	// of boards each. For two of each a network is cut once.
	roundsEnv     = "GOURDIAN_FAULT_ROUNDS"
	defaultRounds = 10
	// someRecords are fewer bytes than those of a message with records, and more
	// than those of a ping.
	someRecords = 400
)

// fault is something that breaks and is mended.
type fault struct {
	name string
	do   func(r *rig, b *board)
}

// cycle is what happens one after the other: two kills of the hub, two of a
// board, one cut. Every other cycle kills the hub at the worst moment.
func cycle(odd bool) []fault {
	hub := fault{"hub killed", (*rig).killHub}
	if odd {
		hub = fault{"hub killed between receive and commit", (*rig).killBeforeCommit}
	}
	return []fault{
		{"network cut", (*rig).cutNetwork}, hub, {"board killed", (*rig).killBoard}, {"hub and board killed at once", (*rig).killBoth},
	}
}

func (r *rig) cutNetwork(b *board) {
	b.relay.SetCut(true)
	r.goOn(b) // a board without network works
	b.relay.SetCut(false)
}

func (r *rig) killHub(b *board) {
	r.hub.Kill()
	r.goOn(b) // a board without hub works
	r.startHub()
}

func (r *rig) killBoard(b *board) {
	b.Kill()
	b.start(r.t)
}

func (r *rig) killBoth(b *board) {
	r.hub.Kill()
	b.Kill()
	b.start(r.t)
	r.startHub()
}

// killBeforeCommit holds the lock with which SQLite lets one process write at a
// time, so that the hub takes records in and can't commit them, and kills it.
func (r *rig) killBeforeCommit(b *board) {
	b.Kill() // one that has met many faults waits long before it tries again
	b.start(r.t)
	r.goOn(b)
	r.until("the newest record of "+b.name, func() bool { return r.stream(b).Through >= b.kept })
	release := r.holdCommits()
	defer release()
	before, _ := b.relay.Bytes()
	r.until("records on their way from "+b.name, func() bool {
		now, _ := b.relay.Bytes()
		return now-before > someRecords
	})
	r.goOn(b)
	r.hub.Kill()
	release()
	r.startHub()
}

// startHub starts the hub that was killed.
func (r *rig) startHub() {
	r.t.Helper()
	if err := r.hub.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.until("the hub's answer", func() bool {
		var status any
		return r.try(http.MethodGet, r.hub.Plain+"/api/v1/status", nil, &status) == nil
	})
}

// walWriteLock is the byte of SQLite's index of its log that a process locks to
// write: https://www.sqlite.org/walformat.html, "locks".
const walWriteLock = 120

// holdCommits takes the lock between two transactions of the hub.
func (r *rig) holdCommits() (release func()) {
	r.t.Helper()
	file, err := os.OpenFile(filepath.Join(r.dir, "hub", "hub.sqlite-shm"), os.O_RDWR, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: walWriteLock, Len: 1}
	r.until("the lock to write", func() bool { return syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &lock) == nil })
	return func() { _ = file.Close() } // it ends with the file; closing twice does nothing
}

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv(roundsEnv)
	if text == "" {
		return defaultRounds
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFaultsOneAfterTheOtherLoseAndDoubleNoRecord cuts networks and kills hub and
// boards, all real programs, while records come.
func TestFaultsOneAfterTheOtherLoseAndDoubleNoRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bundles, pictures := train(t, 1)
	for _, name := range []string{"north", "south"} {
		r.addBoard(name, bundles[0], pictures)
	}
	counts, behind := map[string]int{}, 0
	for n := range (rounds(t) + 1) / 2 {
		for _, f := range cycle(n%2 == 1) {
			b := r.boards[rand.IntN(len(r.boards))]
			r.goOn(b)
			if r.stream(b).Through < b.kept {
				behind++ // the fault hits records on their way
			}
			f.do(r, b)
			counts[f.name]++
		}
		if n%20 == 19 {
			t.Logf("so far %v", counts)
		}
	}
	// A board that has met many faults in a row waits long before it tries again;
	// one that has just been started does not.
	for _, b := range r.boards {
		b.Kill()
		b.start(t)
	}
	var all stream
	for _, b := range r.boards {
		s := r.settled(b)
		all = stream{all.Through + s.Through, all.Records + s.Records, all.Lost + s.Lost, all.PutAway + s.PutAway}
	}
	t.Logf("faults %v, %d of them with records on their way: %d records, %d on the hub, %d lost, %d unreadable",
		counts, behind, all.Through, all.Records, all.Lost, all.PutAway)
	if behind == 0 {
		t.Error("no fault came while records were on their way")
	}
}

// settled waits until the hub has all of a board, and looks what that is.
func (r *rig) settled(b *board) (s stream) {
	r.t.Helper()
	r.goOn(b)
	r.until("all of "+b.name, func() bool { s = r.stream(b); return s.Through >= b.kept })
	if s.Records != s.Through || s.Lost != 0 || s.PutAway != 0 {
		r.t.Errorf("%s: %+v", b.name, s)
	}
	return s
}

package uplink

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

const (
	childEnv  = "GOURDIAN_UPLINK_CHILD" // the data folder of the board that a child is
	roundsEnv = "GOURDIAN_FAULT_ROUNDS"
)

func storeOf(data string, log *slog.Logger) store.Options {
	return store.Options{
		Dir: filepath.Join(data, "store"), MemTableMB: 1, BlockCacheMB: 1, ValueLogMB: 1, MinFreeMB: 4, ReserveMB: 2, Log: log,
	}
}

// sighting is a record for a moment.
func sighting(at time.Time) wire.Record {
	return wire.Record{
		Boot: "boot", CapturedAt: at, WallAt: at, Clock: wire.ClockSynced, Camera: "north", Zone: "left", Frames: 7, Seconds: 3.5,
		Model: fmt.Sprintf("%064x", 1), Preprocess: "area 1", Variant: "fp32",
		Probabilities: map[string]float64{"good": 0.75, "bad": 0.25}, Novelty: 0.2, Verdict: wire.Good,
	}
}

// child is a board that stores and sends until it is killed. It says "kept N"
// for every record that is on its disk.
func child(data string, pictures bool) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, err := store.Open(storeOf(data, log))
	if err != nil {
		return err
	}
	hub := live.NewHub("test", device)
	hub.SetSettings(settings.Default(nil))
	hub.SetClock(wire.ClockSynced)
	u := New(Config{
		Data: data, Device: device, Epoch: s.Epoch(), Boot: "boot", Outbox: s, Memory: s, Hours: s, Shelf: s, Errands: s, Latest: s.LatestSamples, Board: hub, Machine: machine{},
		Logs: NewTap(log.Handler()), Clock: membership.Clock{Now: time.Now}, Renew: func() {}, Log: log,
	})
	u.timing = quick()
	ctx := context.Background()
	var all sync.WaitGroup
	all.Go(func() { fmt.Println("store ended", s.Run(ctx)) })
	all.Go(func() { fmt.Println("link ended", u.Run(ctx)) })
	if pictures {
		fmt.Println("kept", s.Usage().LastSeq)
		all.Wait()
	}
	for range 3 {
		all.Go(func() {
			for {
				seq, err := s.Append(ctx, sighting(time.Now().UTC()), nil, 0, nil)
				if err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println("kept", seq)
			}
		})
	}
	all.Wait()
	return nil
}

// killOnce lets a child keep n records and kills it. It returns the newest
// number that the child was told.
func killOnce(t *testing.T, data string, n int) (newest uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+data)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for kept := 0; lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word != "kept" {
			t.Errorf("the child says %q", lines.Text())
			break
		}
		seq, err := strconv.ParseUint(rest, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		newest = max(newest, seq)
		if kept++; kept == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Process.Kill() // where it ended by itself, that is an error already
	_ = cmd.Wait()         // killed
	return newest
}

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv(roundsEnv)
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestBoardThatIsKilledAgainAndAgainLosesAndDoublesNothing kills real processes
// while they store and send, and while answers are lost or late.
func TestBoardThatIsKilledAgainAndAgainLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	data := t.TempDir()
	b := &board{data: data, t: t}
	b.joinAt(h, h.addr)
	waiting, ahead := 0, 0
	var newest uint64
	for range rounds(t) {
		h.look(func(tb *table) { tb.mute = rand.IntN(3) })
		newest = max(newest, killOnce(t, data, 10+rand.IntN(150)))
		s, err := store.Open(storeOf(data, slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Fatal(err)
		}
		usage := s.Usage()
		if usage.LastSeq < newest {
			t.Errorf("record %d was kept, the newest is %d", newest, usage.LastSeq)
		}
		h.look(func(tb *table) {
			through := tb.through[s.Epoch()]
			if through < usage.LastSeq {
				waiting++
			}
			if through > usage.Acked {
				ahead++
			}
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills: %d with records that the hub did not have, %d with a hub that had more than the board knew", rounds(t), waiting, ahead)
	if waiting == 0 || ahead == 0 {
		t.Error("no kill came between sending, committing and acknowledging")
	}
	h.look(func(tb *table) { tb.mute = 0 })
	last := newBoard(t, data)
	last.run()
	complete(t, h.table, last)
}

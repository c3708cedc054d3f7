package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gourdian/internal/wire"
)

// The child of the kill test says on stdout, one line a system call:
//
//	open N       a batch of N requests is about to be committed
//	done         that batch is committed
//	kept I SEQ   Append returned SEQ for the child's I-th record
const (
	childEnv  = "GOURDIAN_STORE_CHILD"
	childFrom = "GOURDIAN_STORE_CHILD_FROM"
	roundsEnv = "GOURDIAN_FAULT_ROUNDS"
)

// appender is the child: it appends from several goroutines until it is killed.
func appender(dir string) error {
	from, err := strconv.Atoi(os.Getenv(childFrom))
	if err != nil {
		return err
	}
	s, err := Open(small(dir))
	if err != nil {
		return err
	}
	s.watch = func(committed bool, requests int) {
		if committed {
			fmt.Println("done")
		} else {
			fmt.Println("open", requests)
		}
	}
	var all sync.WaitGroup
	for k := range 6 {
		all.Go(func() {
			for i := from + k; ; i += 6 {
				seq, err := s.Append(context.Background(), numberedSighting(i), jpeg(i, 3000), 0, nil)
				if err != nil {
					fmt.Println("failed", err)
					return
				}
				fmt.Println("kept", i, seq)
			}
		})
	}
	return s.Run(context.Background())
}

// numberedSighting carries its number in a field that the store leaves alone.
func numberedSighting(i int) wire.Record {
	r := sighting(i%5000, []wire.Verdict{wire.Good, wire.Bad, wire.Unsure}[i%3])
	r.Frames = i + 1
	return r
}

// TestKillInOpenBatchLosesNothing kills a process that appends, 20 times over
// the same data folder.
func TestKillInOpenBatchLosesNothing(t *testing.T) {
	t.Parallel()
	rounds := 20
	if text := os.Getenv(roundsEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = max(rounds, n)
	}
	dir := t.TempDir()
	acknowledged := map[uint64]int{} // the child's number by sequence number
	inBatch := 0
	for round := range rounds {
		if killOne(t, dir, round, acknowledged) {
			inBatch++
		}
		checkKilled(t, dir, acknowledged)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	t.Logf("%d rounds, %d in an open batch, %d records acknowledged", rounds, inBatch, len(acknowledged))
	if inBatch < rounds/4 {
		t.Errorf("only %d of %d kills hit an open batch", inBatch, rounds)
	}
}

// killOne runs the child, kills it after some commits, mostly when it says that
// a batch is open, and reports whether that batch was open when it died.
func killOne(t *testing.T, dir string, round int, acknowledged map[uint64]int) (inBatch bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, fmt.Sprintf("%s=%d", childFrom, round*1_000_000))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	word, left := []string{"open", "open", "open", "done", "kept"}[round%5], 1+rand.IntN(25)
	for lines.Scan() {
		line := strings.Fields(lines.Text())
		switch line[0] {
		case "open":
			inBatch = true
		case "done":
			inBatch = false
		case "kept":
			i, seq := number(t, line[1]), uint64(number(t, line[2]))
			if old, twice := acknowledged[seq]; twice {
				t.Errorf("number %d was given to %d and to %d", seq, old, i)
			}
			acknowledged[seq] = i
		default:
			t.Errorf("child: %s", lines.Text())
		}
		if line[0] == word {
			if left--; left == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("the child was not killed: %v", err)
	}
	return inBatch
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkKilled opens what the child left and holds it against what it said.
func checkKilled(t *testing.T, dir string, acknowledged map[uint64]int) {
	t.Helper()
	s, stop := startUntil(t, small(dir), realDisk{})
	defer stop()
	n := int(s.Usage().Records)
	owner := map[int]uint64{}
	for seq := range uint64(n) {
		e, err := s.Record(t.Context(), seq+1)
		if err != nil {
			t.Fatal(err)
		}
		i := e.Frames - 1
		if other, twice := owner[i]; twice {
			t.Errorf("the child's record %d is there as %d and as %d", i, other, seq+1)
		}
		owner[i] = seq + 1
		if _, err := read(t, s, e.Image); err != nil {
			t.Errorf("picture of %d: %v", seq+1, err)
		}
	}
	for seq, i := range acknowledged {
		if owner[i] != seq {
			t.Errorf("record %d was acknowledged as %d and is there as %d (0 = not at all)", i, seq, owner[i])
		}
	}
	checkConsistent(t, s, n)
}

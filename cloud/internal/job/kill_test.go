package job

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

// Of the child process that is killed.
const (
	childDatabase = "GOURDIAN_TEST_JOBS_DATABASE"
	childFolder   = "GOURDIAN_TEST_JOBS_FOLDER"
	pieces        = 100
)

type piecesArgs struct {
	Folder string `json:"folder"`
	Pieces int    `json:"pieces"`
}

// piecesKind writes a file for each piece, skipping those that are there, and
// tells what it found in the end.
func piecesKind() Kind {
	return Kind{Name: "pieces", Timeout: time.Hour, Attempts: 1, Run: Of(func(ctx context.Context, args piecesArgs, p *Progress) (string, error) {
		tick := time.NewTicker(15 * time.Millisecond)
		defer tick.Stop()
		fmt.Println("working")
		var all []string
		for i := range args.Pieces {
			path := filepath.Join(args.Folder, fmt.Sprintf("%03d", i))
			data, err := os.ReadFile(path)
			if err != nil {
				data = fmt.Appendf(nil, "piece %d", i)
				if err := os.WriteFile(path+".part", data, 0o600); err != nil {
					return "", err
				}
				if err := os.Rename(path+".part", path); err != nil {
					return "", err
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
					return "", ctx.Err()
				}
			}
			p.Step("writing", i+1, args.Pieces)
			all = append(all, string(data))
		}
		return strings.Join(all, ","), nil
	})}
}

// child does jobs in a process of its own, if this is one.
func child() bool {
	dsn, folder := os.Getenv(childDatabase), os.Getenv(childFolder)
	if dsn == "" {
		return false
	}
	err := func() error {
		d, err := db.Open(context.Background(), db.Options{DSN: dsn})
		if err != nil {
			return err
		}
		j, err := New(Config{Lease: time.Second, Beat: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}, d)
		if err == nil {
			err = j.Add(piecesKind())
		}
		if err != nil {
			return err
		}
		go func() { _ = j.Run(context.Background()) }() // until it is killed
		one, err := j.Start(context.Background(), "pieces", piecesArgs{folder, pieces}, "Ana")
		if err != nil {
			return err
		}
		if one, err = j.Wait(context.Background(), one.ID); err != nil {
			return err
		}
		fmt.Println("ended", one.State)
		_, err = io.Copy(io.Discard, os.Stdin) // the parent decides when this ends
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// TestKilledAnywhereEndsInTheSameResult kills a process that does a job, twenty
// times at moments of chance, and then lets one end it.
func TestKilledAnywhereEndsInTheSameResult(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "hub.sqlite") },
		"postgres": func(t *testing.T) string { return dbtest.StartPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, folder := address(t), t.TempDir()
			const rounds = 20
			chance, open := rand.New(rand.NewPCG(1, 2)), int64(0)
			watch := dbtest.Open(t, dsn)
			for range rounds {
				kill := spawn(t, dsn, folder, func(line string) bool { return line == "working" || strings.HasPrefix(line, "ended") })
				wait := time.NewTimer(time.Duration(chance.IntN(60)) * time.Millisecond)
				<-wait.C
				kill()

				running, err := watch.Read().NewSelect().Model((*Job)(nil)).Where("state = ?", Running).Count(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				open += running
			}
			if open == 0 {
				t.Error("no kill met a running job: the test shows nothing")
			}
			spawn(t, dsn, folder, func(line string) bool { return line == "ended done" })()
			list := listAll(t, watch)
			if len(list) != 1 || list[0].State != Done || list[0].Result != want() || list[0].Done != pieces {
				t.Errorf("%+v", list)
			}
			files, err := os.ReadDir(folder)
			files = slices.DeleteFunc(files, func(f os.DirEntry) bool { return strings.HasSuffix(f.Name(), ".part") })
			if err != nil || len(files) != pieces {
				t.Errorf("%d files, %v", len(files), err)
			}
			t.Logf("%d of %d kills met a running job, cut off %d times", open, rounds, list[0].Deaths)
		})
	}
}

func want() string {
	var all []string
	for i := range pieces {
		all = append(all, fmt.Sprintf("piece %d", i))
	}
	return `"` + strings.Join(all, ",") + `"`
}

func listAll(t *testing.T, d *db.DB) []Job {
	t.Helper()
	list, err := quick(t, d).List(t.Context(), Filter{}, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// spawn starts the child and returns what kills it, once it has said a line.
func spawn(t *testing.T, dsn, folder string, ready func(line string) bool) (kill func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDatabase+"="+dsn, childFolder+"="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			_ = cmd.Wait()
			t.Fatalf("the child ended: %s", &said)
		}
		if ready(lines.Text()) {
			break
		}
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = in.Close()
	}
}

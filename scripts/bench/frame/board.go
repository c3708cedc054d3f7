package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"gourdian/scripts/bench/cputime"
)

const (
	// boardWarm is how many frames of each start of the board are left out.
	boardWarm = 10
	// boardFrames is how many pictures lie before it: more than any block, since
	// it shows some before its model is ready.
	boardFrames = 400
	// boardPatience bounds one block.
	boardPatience = 2 * time.Minute
	boardPolls    = 100 * time.Millisecond
)

// board is the real program over a folder of pictures, started anew and with an
// empty store for each block. What it stored is read from its page.
type board struct {
	dir, config, address string
	blocks               int
}

// newBoard prepares the config and the pictures, which differ in a comment: a
// store keeps equal pictures once.
func newBoard(dir string, o options, jpeg []byte) (*board, error) {
	if o.block+boardWarm+1 > boardFrames/2 {
		return nil, fmt.Errorf("blocks of %d frames are too long for %d pictures", o.block, boardFrames)
	}
	pictures := filepath.Join(dir, "pictures")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return nil, err
	}
	for i := range boardFrames {
		if err := os.WriteFile(filepath.Join(pictures, fmt.Sprintf("%04d.jpg", i)), withComment(jpeg, i), 0o600); err != nil {
			return nil, err
		}
	}
	address, err := freePort()
	if err != nil {
		return nil, err
	}
	config, err := json.MarshalIndent(map[string]any{ // JSON is YAML too
		"listen": address, "log": "error",
		"model":   map[string]any{"bundle": o.model, "variant": o.variant, "onnxruntime": library},
		"cameras": []any{map[string]any{"id": "bench", "source": "folder:" + pictures}},
	}, "", " ")
	if err != nil {
		return nil, err
	}
	b := &board{dir: dir, config: filepath.Join(dir, "agent.yaml"), address: address}
	return b, os.WriteFile(b.config, config, 0o600)
}

// Stop does nothing: each block has ended its board.
func (b *board) Stop() {}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// withComment puts a comment behind a JPEG's first marker.
func withComment(jpeg []byte, number int) []byte {
	text := fmt.Sprintf("%08d", number)
	comment := append([]byte{0xff, 0xfe, 0, byte(2 + len(text))}, text...)
	return slices.Concat(jpeg[:2], comment, jpeg[2:])
}

// watched is what was seen of one start of the board. cpu was used by the agent
// and its workers for that many records.
type watched struct {
	times   []time.Duration
	cpu     time.Duration
	records int
}

// run lets the board look at n frames, after some that are left out. times are
// from each one to the next: from file to stored record, as a finite source
// yields a picture only when the record of the last one is on the disk.
func (b *board) run(ctx context.Context, n int) (_ watched, err error) {
	ctx, cancel := context.WithTimeout(ctx, boardPatience)
	defer cancel()
	b.blocks++
	data := filepath.Join(b.dir, fmt.Sprintf("data-%d", b.blocks))
	defer os.RemoveAll(data)
	cmd := exec.CommandContext(ctx, filepath.Join("bin", "gourdian-agent"), "--config", b.config)
	cmd.Env = append(os.Environ(), "GOURDIAN_AGENT_DATA="+data)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return watched{}, fmt.Errorf("start board: %w", err)
	}
	defer func() {
		cancel()
		if waited := cmd.Wait(); err != nil {
			err = fmt.Errorf("board: %w\n%s", errors.Join(err, waited), &said)
		}
	}()
	return b.watch(ctx, cmd.Process.Pid, n)
}

// watch waits until enough records are stored and reads when their pictures
// were taken.
func (b *board) watch(ctx context.Context, pid, n int) (w watched, err error) {
	poll := time.NewTicker(boardPolls)
	defer poll.Stop()
	var first struct {
		cpu     time.Duration
		records int
	}
	for {
		newest, err := b.newest(ctx)
		if err == nil && newest >= boardWarm { // until the page is up, nobody answers
			tree, err := cputime.Tree(pid)
			if err != nil {
				return w, err
			}
			used, err := cputime.Of(tree...)
			if err != nil {
				return w, err
			}
			if first.records == 0 {
				first.cpu, first.records = used, newest
			}
			w.cpu, w.records = used-first.cpu, newest-first.records
		}
		if newest > n+boardWarm && w.records > 0 {
			break
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return w, ctx.Err()
		}
	}
	w.times, err = b.moments(ctx, n)
	return w, err
}

// newest is the number of the newest record, 0 when there is none. The status
// tells it only every few seconds.
func (b *board) newest(ctx context.Context) (int, error) {
	var answer struct{ Records []struct{ Seq int } }
	if err := b.get(ctx, "/api/v1/records?limit=1", &answer); err != nil || len(answer.Records) == 0 {
		return 0, err
	}
	return answer.Records[0].Seq, nil
}

// moments are the times between the pictures of n records after the warm ones.
func (b *board) moments(ctx context.Context, n int) ([]time.Duration, error) {
	var answer struct {
		Records []struct {
			Seq    int
			WallAt time.Time `json:"wall_at"`
		}
	}
	if err := b.get(ctx, "/api/v1/records?limit=500", &answer); err != nil {
		return nil, err
	}
	slices.Reverse(answer.Records) // they come newest first
	if len(answer.Records) <= n+boardWarm {
		return nil, fmt.Errorf("%d records, more than %d expected", len(answer.Records), n+boardWarm)
	}
	times := make([]time.Duration, n)
	for i := range times {
		from, to := answer.Records[boardWarm+i], answer.Records[boardWarm+i+1]
		times[i] = to.WallAt.Sub(from.WallAt)
	}
	return times, nil
}

func (b *board) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.address+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

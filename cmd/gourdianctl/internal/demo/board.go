package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"gourdian/internal/wire"
)

const (
	// readyWithin is how long a board may take to its first scored frame.
	readyWithin = 60 * time.Second
	// maxAnswer bounds what is read of a board's answer, in bytes.
	maxAnswer = 8 << 20
	// cameraID names the demo's one camera.
	cameraID = "demo"
)

// board is a running gourdian-agent.
type board struct {
	url   string
	log   string // path of its log
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	err   error         // why, valid once ended is closed
}

// startBoard starts the agent on an empty data folder.
func (o *Options) startBoard(ctx context.Context, s *scenario) (*board, error) {
	data := filepath.Join(o.Dir, "board")
	if err := os.RemoveAll(data); err != nil {
		return nil, fmt.Errorf("empty the board's folder: %w", err)
	}
	port, err := o.freePort(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(o.Dir, "board.log"))
	if err != nil {
		return nil, fmt.Errorf("make the board's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child holds its own
	b := &board{url: "http://localhost:" + strconv.Itoa(port), log: log.Name(), ended: make(chan struct{})}
	b.cmd = exec.Command(o.Agent)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours; we stop it
	b.cmd.Env = append(os.Environ(),
		"GOURDIAN_AGENT_DATA="+data,
		"GOURDIAN_AGENT_LISTEN=:"+strconv.Itoa(port),
		"GOURDIAN_AGENT_MODEL_BUNDLE="+s.bundle,
		"GOURDIAN_AGENT_CAMERAS_0_ID="+cameraID,
		"GOURDIAN_AGENT_CAMERAS_0_NAME=Demo",
		"GOURDIAN_AGENT_CAMERAS_0_SOURCE="+s.source,
		"GOURDIAN_AGENT_CAMERAS_0_FPS=10",
	)
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the board: %w", err)
	}
	go func() { // ends with the process
		b.err = b.cmd.Wait()
		close(b.ended)
	}()
	return b, nil
}

// freePort returns the first free port from o.Port on.
func (o *Options) freePort(ctx context.Context) (int, error) {
	for port := o.Port; port < o.Port+50; port++ {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err == nil {
			return port, listener.Close()
		}
		o.Say("Port %d is taken; trying the next one.", port)
	}
	return 0, fmt.Errorf("no free port between %d and %d", o.Port, o.Port+49)
}

// stop ends the board and waits for it.
func (b *board) stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-b.ended:
	case <-time.After(15 * time.Second):
		_ = b.cmd.Process.Kill()
		<-b.ended
	}
}

// status is what the demo reads of /api/v1/status.
type status struct {
	FieldNow time.Time `json:"field_now"`
	Cameras  []struct {
		Scored   uint64 `json:"scored"`
		Finished bool   `json:"finished"`
	} `json:"cameras"`
	Model *struct {
		Provider    string  `json:"provider"`
		Variant     string  `json:"variant"`
		InferMillis float64 `json:"infer_ms"`
	} `json:"model"`
	Store struct {
		Records uint64 `json:"records"`
		NotKept uint64 `json:"not_kept"`
	} `json:"store"`
}

// waitReady waits for the first scored frame.
func (b *board) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin,
		fmt.Errorf("the board scored no frame within %s; its log is %s", readyWithin, b.log))
	defer cancel()
	for {
		if s, err := b.status(ctx); err == nil && len(s.Cameras) > 0 && s.Cameras[0].Scored > 0 {
			return nil
		}
		select {
		case <-b.ended:
			return fmt.Errorf("the board ended by itself: %w; its log is %s", errors.Join(b.err, errors.New("no page")), b.log)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (b *board) status(ctx context.Context) (s status, err error) {
	return s, b.get(ctx, "/api/v1/status", &s)
}

// record is a record as the API gives it.
type record struct{ wire.Record }

// words says how sure the board is.
func (r *record) words() string {
	if r.Reason != "" {
		return string(r.Reason)
	}
	return fmt.Sprintf("%.0f %%", 100*r.Probabilities[string(r.Verdict)])
}

// recordsAfter returns the records with a larger number than seq, oldest first.
func (b *board) recordsAfter(ctx context.Context, seq uint64) ([]record, error) {
	var all []record
	for before := ""; ; {
		var page struct {
			Records []record `json:"records"`
			Next    *uint64  `json:"next"`
		}
		if err := b.get(ctx, "/api/v1/records?limit=500"+before, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			if r.Seq <= seq {
				page.Next = nil
				break
			}
			all = append(all, r)
		}
		if page.Next == nil {
			slices.Reverse(all)
			return all, nil
		}
		before = "&before=" + strconv.FormatUint(*page.Next, 10)
	}
}

func (b *board) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return fmt.Errorf("ask the board: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the board: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the board for %s: %s", path, answer.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the board's answer to %s: %w", path, err)
	}
	return nil
}

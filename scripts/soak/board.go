package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A photo is shown for as long as a pumpkin must lie there to count: one that
// passes in a single frame is no sighting.
const (
	photosPerSecond = 5
	framesPerPhoto  = 3 * photosPerSecond
)

// startTimeout is for model and camera on a busy machine; stopTimeout for a
// board that is told to stop.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 20 * time.Second
)

// board is one gourdian-agent under watch.
type board struct {
	name, source string
	url          string
	cmd          *exec.Cmd
	log          *os.File
	samples      []sample
}

// hold makes a folder in which each photo stands framesPerPhoto times.
func hold(photos, dir string) error {
	photos, err := filepath.Abs(photos)
	if err != nil {
		return fmt.Errorf("find the photos: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of photos: %w", err)
	}
	n := 0
	err = filepath.WalkDir(photos, func(path string, entry fs.DirEntry, err error) error {
		extension := strings.ToLower(filepath.Ext(path))
		if err != nil || entry.IsDir() || extension != ".jpg" && extension != ".jpeg" && extension != ".png" {
			return err
		}
		for i := range framesPerPhoto {
			if err := os.Symlink(path, filepath.Join(dir, fmt.Sprintf("%06d-%02d%s", n, i, extension))); err != nil {
				return err
			}
		}
		n++
		return nil
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("none in %s", photos)
	}
	if err != nil {
		return fmt.Errorf("list photos: %w", err)
	}
	return nil
}

// start starts the agent by its environment alone.
func (b *board) start(o options, port int) (err error) {
	dir := filepath.Join(o.dir, b.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the board's folder: %w", err)
	}
	if b.log, err = os.Create(filepath.Join(dir, "agent.log")); err != nil {
		return fmt.Errorf("make the board's log: %w", err)
	}
	b.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	b.cmd = exec.Command(o.agent)
	b.cmd.Env = append(os.Environ(),
		"GOURDIAN_AGENT_DATA="+filepath.Join(dir, "data"),
		fmt.Sprintf("GOURDIAN_AGENT_LISTEN=127.0.0.1:%d", port),
		"GOURDIAN_AGENT_MODEL_BUNDLE="+o.bundle,
		"GOURDIAN_AGENT_CAMERAS_0_ID="+b.name,
		"GOURDIAN_AGENT_CAMERAS_0_SOURCE="+b.source,
	)
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	// Ctrl-C is this program's; whatever ends it, no board is left behind.
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := b.cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start board %s: %w", b.name, err), b.log.Close())
	}
	return nil
}

// waitScoring waits for the first scored frame.
func (b *board) waitScoring(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		if m, err := b.metrics(ctx); err == nil && m["gourdian_frames_scored_total"] > 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("board %s scored no frame: %w; its log is %s", b.name, ctx.Err(), b.log.Name())
		}
	}
}

// stop ends the board as a service manager does; a clean end has exit code 0.
func (b *board) stop() error {
	_ = b.cmd.Process.Signal(syscall.SIGTERM) // gone already: Wait says so
	late := time.AfterFunc(stopTimeout, func() { _ = b.cmd.Process.Kill() })
	defer late.Stop()
	err := b.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("board %s ended badly: %w; its log is %s", b.name, err, b.log.Name())
	}
	return errors.Join(err, b.log.Close())
}

// metrics reads /metrics; numbers of one name are added up.
func (b *board) metrics(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	request.Close = true // a kept connection would be a goroutine of the board
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics: %s", response.Status)
	}
	return parseMetrics(response.Body)
}

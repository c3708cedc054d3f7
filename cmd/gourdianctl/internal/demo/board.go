package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gourdian/internal/e2e"
)

const (
	// readyWithin is how long a board may take to its first scored frame; a
	// loaded machine takes most of a minute.
	readyWithin = 3 * time.Minute
	// sayEvery is how often a wait says that it goes on.
	sayEvery = 5 * time.Second
	// closedFor is how long a camera may be refused before it is given up.
	closedFor = 10 * time.Second
	// ports are how many are tried, from the first on.
	ports = 50
	// cameraID names the demo's one camera.
	cameraID = "demo"
	// agentEnv begins the environment variables that configure an agent.
	agentEnv = "GOURDIAN_AGENT_"
)

// board is a running gourdian-agent.
type board struct {
	*e2e.Process
	place  string
	name   string
	url    string
	http   *http.Client
	device string // its number, known once it has joined a hub
}

// startBoard starts the agent on an empty data folder, as a member of the hub
// where there is one.
func (o *Options) startBoard(ctx context.Context, s *scenario) (*board, error) {
	data := filepath.Join(o.Dir, s.place)
	if err := errors.Join(os.RemoveAll(data), os.RemoveAll(data+".log")); err != nil {
		return nil, fmt.Errorf("empty the board's folder: %w", err)
	}
	env := append(e2e.Without(os.Environ(), agentEnv),
		agentEnv+"DATA="+data,
		agentEnv+"LISTEN=:"+strconv.Itoa(s.port),
		agentEnv+"MODEL_BUNDLE="+s.bundle,
		agentEnv+"CAMERAS_0_ID="+cameraID,
		agentEnv+"CAMERAS_0_NAME="+s.name,
		agentEnv+"CAMERAS_0_SOURCE="+s.source,
		agentEnv+"CAMERAS_0_FPS="+strconv.Itoa(s.fps),
	)
	device := ""
	if o.hub != nil {
		var err error
		if device, err = o.hub.join(ctx, o.Agent, env, s); err != nil {
			return nil, err
		}
	}
	p, err := e2e.Start("the board", o.Agent, data+".log", env)
	if err != nil {
		return nil, err
	}
	return &board{Process: p, place: s.place, name: s.name, url: "http://localhost:" + strconv.Itoa(s.port), device: device,
		http: &http.Client{Transport: new(http.Transport)}}, nil
}

// freePort returns the first port from first on that is free at a host, which
// ends with a colon.
func (o *Options) freePort(ctx context.Context, host string, first int) (int, error) {
	for port := first; port < first+ports; port++ {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", host+strconv.Itoa(port))
		if err == nil {
			return port, listener.Close()
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		o.Say("Port %d is taken; trying the next one.", port)
	}
	return 0, fmt.Errorf("no free port between %d and %d: name another one with gourdianctl demo --port", first, first+ports-1)
}

// stop ends the board and waits for it.
func (b *board) stop() {
	b.Process.Stop()
	b.http.CloseIdleConnections()
}

// waitReady waits for the first scored frame, or the end of a folder in which
// nothing can be scored.
func (o *Options) waitReady(ctx context.Context, b *board) error {
	began := time.Now()
	told, opened := began, began
	var closed error
	_, err := b.until(ctx, readyWithin, func(s *status) bool {
		now := time.Now()
		if !s.closed() {
			opened = now
		}
		if now.Sub(opened) >= closedFor {
			closed = fmt.Errorf("the board can't open what it is to look at%s", s.complaints())
		}
		if now.Sub(told) >= sayEvery {
			told = now
			o.Say("Starting the board: no verdict after %s.%s", now.Sub(began).Round(time.Second), s.complaints())
		}
		return closed != nil || s.scored() > 0 || s.done()
	})
	return errors.Join(err, closed)
}

//go:build workers

package e2e

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
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// atLeast is how many records a board keeps between two faults.
	atLeast = 3
	// firstHost is where the addresses of the boards' networks begin.
	firstHost = 40
	// soon bounds what a machine that is busy with other tests does at last.
	soon = 3 * time.Minute
)

// board is a real gourdian-agent that looks at a folder of pictures, each one
// record, and begins anew whenever it is started.
type board struct {
	*Process
	relay  *Relay
	name   string
	device string
	url    string
	env    []string
	log    string
	kept   uint64 // the newest record that it said to have
}

func (b *board) start(t testing.TB) {
	t.Helper()
	p, err := Start("the board "+b.name, testbed.Program(t, "gourdian-agent"), b.log, b.env)
	if err != nil {
		t.Fatal(err)
	}
	b.Process = p
}

// rig is a hub with boards.
type rig struct {
	hub    *Hub
	dir    string // of the data of all
	boards []*board
	t      testing.TB
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// train makes models with the real programs, how well they grade matters not,
// and a folder of pictures that a board has not seen the end of when it is killed.
// The models learnt from other parts of the same pictures, so they differ in their
// heads alone.
func train(t testing.TB, models int) (bundles []string, walk string) {
	t.Helper()
	dir, cache := t.TempDir(), t.TempDir()
	walk = filepath.Join(dir, "walk")
	pictures := filepath.Join(dir, "patch")
	run := func(args ...string) {
		t.Helper()
		if said, err := exec.CommandContext(t.Context(), testbed.Program(t, "gourdianctl"), args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, said)
		}
	}
	run("render", "--out", pictures, "--count", "120", "--size", "256", "--seed", "5")
	for n := range models {
		bundles = append(bundles, filepath.Join(dir, fmt.Sprintf("grade-%d.gourdian", n)))
		run("model", "train", "--data", part(t, pictures, n), "--task", "grade", "--out", bundles[n], "--folds", "3", "--cache", cache,
			"--checkpoint", testbed.Checkpoint(t), "--onnxruntime", testbed.OnnxRuntime(t),
			"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program))
	}
	files, err := filepath.Glob(filepath.Join(pictures, "*", "*.jpg"))
	if err == nil {
		err = os.Mkdir(walk, 0o755)
	}
	for i := range 4000 {
		if err == nil {
			err = os.Symlink(files[i%len(files)], filepath.Join(walk, fmt.Sprintf("%05d.jpg", i)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return bundles, walk
}

// part is the n-th part of labelled pictures, the 0th all of them: every
// (8+n)-th is left out of each class. What was computed of a picture counts on.
func part(t testing.TB, pictures string, n int) string {
	t.Helper()
	if n == 0 {
		return pictures
	}
	files, err := filepath.Glob(filepath.Join(pictures, "*", "*.jpg"))
	dir := t.TempDir()
	for i, file := range files {
		to := filepath.Join(dir, filepath.Base(filepath.Dir(file)), filepath.Base(file))
		if err == nil && i%(8+n) != 7 {
			err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Link(file, to))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// newRig starts a hub; env configures it further.
func newRig(t testing.TB, env ...string) *rig {
	t.Helper()
	dir := t.TempDir()
	secure := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	hub, err := OpenHub(t.Context(), HubOptions{
		Program: testbed.Program(t, "gourdian-hub"), Dir: dir, Plain: freePort(t), Listen: secure, Secure: secure, Broker: freePort(t), Env: env,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{hub: hub, dir: dir, t: t}
	t.Cleanup(func() { r.hub.Stop() })
	return r
}

// addBoard lets a board join that looks at a folder of pictures, over a network
// of its own, and starts it. env configures it further.
func (r *rig) addBoard(name, bundle, source string, env ...string) *board {
	t := r.t
	t.Helper()
	b := &board{name: name, url: fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), log: filepath.Join(r.dir, name+".log")}
	b.env = append(Without(os.Environ(), "GOURDIAN_AGENT_"),
		"GOURDIAN_AGENT_DATA="+filepath.Join(r.dir, name), "GOURDIAN_AGENT_LISTEN="+b.url[len("http://"):],
		"GOURDIAN_AGENT_MODEL_BUNDLE="+bundle, "GOURDIAN_AGENT_MODEL_ONNXRUNTIME="+testbed.OnnxRuntime(t),
		"GOURDIAN_AGENT_CAMERAS_0_ID=cam", "GOURDIAN_AGENT_CAMERAS_0_SOURCE=folder:"+source, "GOURDIAN_AGENT_CAMERAS_0_FPS=4")
	b.env = append(b.env, env...)
	var err error
	if b.relay, err = r.hub.Relay(t.Context(), firstHost+len(r.boards)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.relay.Close)
	var token struct{ Token string }
	r.ask(http.MethodPost, r.hub.Plain+"/api/v1/join-tokens", map[string]any{"site": name}, &token)
	if b.device, err = b.relay.Join(t.Context(), testbed.Program(t, "gourdian-agent"), b.env, token.Token, name); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	t.Cleanup(func() { b.Stop() })
	r.boards = append(r.boards, b)
	return b
}

// try asks once; a program that is just dead is an error.
func (r *rig) try(method, address string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+r.hub.Token)
	request.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 {
		return errors.New(answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

func (r *rig) ask(method, address string, body, into any) {
	r.t.Helper()
	if err := r.try(method, address, body, into); err != nil {
		r.t.Fatalf("%s: %v", address, err)
	}
}

// until waits for something, with a deadline.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(soon); !holds(); {
		select {
		case <-ticker.C:
		case <-late:
			r.t.Fatalf("did not come in %s: %s%s", soon, what, r.hub.Words())
		}
	}
}

// newest is the number of the newest record of a board, 0 where it does not
// answer.
func (r *rig) newest(b *board) uint64 {
	var state struct {
		Store struct {
			LastSeq uint64 `json:"last_seq"`
		}
	}
	if err := r.try(http.MethodGet, b.url+"/api/v1/status", nil, &state); err != nil {
		return 0
	}
	return state.Store.LastSeq
}

// stream is what the hub has of a board.
type stream struct {
	Through, Records, Lost uint64
	PutAway                uint64 `json:"put_away"`
}

func (r *rig) stream(b *board) (s stream) {
	var known struct{ Streams []stream }
	if err := r.try(http.MethodGet, r.hub.Plain+"/api/v1/boards/"+b.device, nil, &known); err != nil || len(known.Streams) != 1 {
		return s
	}
	return known.Streams[0]
}

// goOn waits until a board has kept more records than before.
func (r *rig) goOn(b *board) {
	r.t.Helper()
	r.until(fmt.Sprintf("record %d of %s", b.kept+atLeast, b.name), func() bool {
		n := r.newest(b)
		if n > 0 && n < b.kept {
			r.t.Fatalf("%s kept record %d, and now its newest is %d", b.name, b.kept, n)
		}
		if n >= b.kept+atLeast {
			b.kept = n
			return true
		}
		return false
	})
}

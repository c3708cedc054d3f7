package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/internal/field"
	"gourdian/internal/wire"
)

// fakeMode makes the test program behave like a board: see fakeAgent.
const fakeMode = "DEMO_TEST_BOARD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeMode); mode != "" {
		os.Exit(fakeAgent(mode))
	}
	goleak.VerifyTestMain(m)
}

// agentThat is the path of a program that behaves like a board of that mode.
func agentThat(t *testing.T, mode string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gourdian-agent")
	script := fmt.Sprintf("#!/bin/sh\n%s=%s exec '%s'\n", fakeMode, mode, self)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// fakeBoard answers like a board whose field clock jumps with every question.
type fakeBoard struct {
	mode  string
	scene *field.Scene
	kept  []wire.Record

	mu    sync.Mutex // guards asked
	asked int
}

// fakeJump is how far the field's clock goes at every question.
const fakeJump = 8 * time.Minute

// fakeAgent is a board that "dies" before it listens, "collapses" in the middle
// of the watch, can't open its camera and stays "shut", is "blind" and records nothing, calls all "bad" things good, or
// is "perfect".
func fakeAgent(mode string) int {
	if mode == "dies" {
		fmt.Fprintln(os.Stderr, "the disk has caught fire")
		return 3
	}
	query, _, _ := strings.Cut(strings.TrimPrefix(os.Getenv(agentEnv+"CAMERAS_0_SOURCE"), "field:"), "&fps=")
	scene, err := field.ParseScene(query)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	b := &fakeBoard{mode: mode, scene: scene}
	b.keep()
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/status", b.status)
	mux.HandleFunc("/api/v1/records", b.records)
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv(agentEnv+"LISTEN"), mux))
	return 1
}

func (b *fakeBoard) status(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	b.asked++
	n := b.asked
	b.mu.Unlock()
	if b.mode == "collapses" && n > 4 {
		fmt.Fprintln(os.Stderr, "out of memory")
		os.Exit(4)
	}
	if b.mode == "shut" {
		_ = json.NewEncoder(w).Encode(map[string]any{"conditions": []any{
			map[string]any{"code": "camera_missing", "severity": "serious", "text": "The camera can't be opened."},
		}})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"field_now":  b.scene.Start().Add(time.Duration(n) * fakeJump),
		"cameras":    []any{map[string]any{"scored": n, "frame": map[string]any{"seq": 1000 * n}}},
		"conditions": []any{map[string]any{"severity": "serious", "text": "The lens is dirty."}},
	})
}

func (b *fakeBoard) records(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"records": b.kept, "next": nil})
}

// keep makes the records of an hour and a half, newest first.
func (b *fakeBoard) keep() {
	b.kept = []wire.Record{}
	if b.mode == "blind" {
		return
	}
	for i, v := range b.scene.Visits(b.scene.Start(), b.scene.Start().Add(90*time.Minute)) {
		said := wire.Verdict(v.Thing.Class)
		if b.mode == "bad" && said == wire.Bad {
			said = wire.Good
		}
		b.kept = append(b.kept, wire.Record{Seq: uint64(i + 1), CapturedAt: v.Arrive.Add(time.Second), Seconds: 30, Frames: 4, Verdict: said})
	}
	slices.Reverse(b.kept)
}

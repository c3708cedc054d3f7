package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/models/dataset"
)

func TestRenderMakesAFolderReadyToTrainOn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "patch")
	code, stdout, stderr := ctl(t, "render", "--out", dir, "--count", "9", "--seed", "7", "--size", "64", "--json")
	var got renderReport
	if err := decodeOne(stdout, &got); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v, %s", code, err, stderr)
	}
	total := 0
	for _, n := range got.Classes {
		total += n
	}
	if got.Dir != dir || got.Seed != 7 || got.Kind != "rendered" || got.Pictures != 9 || total != 9 || len(got.Classes) != 4 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(stderr, "render pictures: 9 of 9") {
		t.Errorf("standard error %q", stderr)
	}
	data, err := os.ReadFile(filepath.Join(dir, dataset.MarkerName))
	var marker dataset.Marker
	if err != nil || json.Unmarshal(data, &marker) != nil || marker.Kind != dataset.KindRendered || marker.Seed != 7 {
		t.Errorf("marker %s, %v", data, err)
	}
}

func TestRenderWrongUse(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "photo.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "--out is missing"},
		{[]string{"--out", out}, "--count is missing"},
		{[]string{"--out", out, "--count", "0"}, "--count"},
		{[]string{"--out", out, "--count", "many"}, "invalid argument"},
		{[]string{"--out", out, "--count", "3", "--seed", "-1"}, "invalid argument"},
		{[]string{"--out", out, "--count", "3", "--size", "63"}, "--size 63"},
		{[]string{"--out", out, "--count", "3", "--views", "0"}, "--views 0"},
		{[]string{"--out", out, "--count", "3", "--varieties", "turnip"}, `no variety "turnip": choose from orange`},
		{[]string{"--out", full, "--count", "3"}, "not empty"},
		{[]string{"patch", "--out", out, "--count", "3"}, "patch"},
	} {
		code, stdout, stderr := ctl(t, append([]string{"render"}, c.args...)...)
		if code != exitWrongUse || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: exit code %d, standard error %q, want %q in it", c.args, code, stderr, c.says)
		}
	}
}

func TestInterruptedRenderLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	// The first line of progress is as good a moment as any.
	s := &streams{out: &bytes.Buffer{}, err: writerFunc(func([]byte) { cancel() }), terminal: true}
	code := run(ctx, s, []string{"render", "--out", filepath.Join(dir, "patch"), "--count", "100000", "--size", "64"})
	entries, err := os.ReadDir(dir)
	if code != exitFailed || err != nil || len(entries) > 0 {
		t.Errorf("exit code %d, left behind %v, %v", code, entries, err)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

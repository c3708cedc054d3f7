package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// samplesOf are a board's samples over half an hour, changed by edit.
func samplesOf(edit func(i int, s *sample)) []sample {
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([]sample, 61)
	for i := range samples {
		noise := random.Float64() * 3
		s := &samples[i]
		*s = sample{
			at:    time.Duration(i) * 30 * time.Second,
			agent: process{1, 60 + noise, 25}, infer: process{2, 80 + noise, 14}, camera: process{3, 110 + noise, 12},
			goroutines: 40 + i%3, scored: 30 * i, records: 3 * i,
		}
		if i < 20 { // caches fill
			s.agent.rssMB -= 20 - float64(i)
		}
		if edit != nil {
			edit(i, s)
		}
	}
	return samples
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(i int, s *sample)
		want string // "" = no fault
	}{
		"steady":              {nil, ""},
		"one high sample":     {func(i int, s *sample) { s.agent.rssMB += map[bool]float64{i == 60: 40}[true] }, ""},
		"agent leaks":         {func(i int, s *sample) { s.agent.rssMB += float64(i) * 0.2 }, "agent RSS MB rose by"},
		"infer leaks":         {func(i int, s *sample) { s.infer.rssMB += float64(i) * 0.2 }, "infer RSS MB rose by"},
		"camera leaks":        {func(i int, s *sample) { s.camera.rssMB += float64(i) * 0.3 }, "camera RSS MB rose by"},
		"files stay open":     {func(i int, s *sample) { s.agent.fds += i / 8 }, "agent open files rose by"},
		"worker's files":      {func(i int, s *sample) { s.camera.fds += i / 8 }, "camera open files rose by"},
		"goroutines stay":     {func(i int, s *sample) { s.goroutines += i / 4 }, "agent goroutines rose by"},
		"nothing scored":      {func(i int, s *sample) { s.scored = 7 }, "no frame was scored"},
		"nothing stored":      {func(i int, s *sample) { s.records = min(s.records, 5) }, "no record was stored"},
		"worker died quietly": {func(i int, s *sample) { s.infer.pid += i / 45 }, "a worker was started again by 22m30s"},
	} {
		var out bytes.Buffer
		err := judgeAll(&out, []*board{{name: "b", samples: samplesOf(tc.edit)}})
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: error %v, want %q alone", name, err, tc.want)
		}
	}
	if err := judgeAll(&bytes.Buffer{}, []*board{{name: "b", samples: samplesOf(nil)[:3]}}); err == nil {
		t.Error("three samples are judged")
	}
}

func TestParseMetrics(t *testing.T) {
	t.Parallel()
	got, err := parseMetrics(strings.NewReader("# HELP a b c\na{camera=\"x y\"} 2\na{camera=\"z\"} 3.5\n\ngo_goroutines 41\n"))
	if err != nil || got["a"] != 5.5 || got["go_goroutines"] != 41 || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"alone", "a b"} {
		if _, err := parseMetrics(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestEachPhotoIsHeld(t *testing.T) {
	t.Parallel()
	photos, dir := t.TempDir(), filepath.Join(t.TempDir(), "held")
	if err := hold(photos, dir); err == nil {
		t.Error("an empty folder will do")
	}
	for _, name := range []string{"a.jpg", "b.PNG", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(photos, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir += "2"
	if err := hold(photos, dir); err != nil {
		t.Fatal(err)
	}
	held, err := os.ReadDir(dir)
	if err != nil || len(held) != 2*framesPerPhoto {
		t.Fatalf("%d pictures, %v", len(held), err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, held[framesPerPhoto-1].Name())); err != nil || string(data) != "a.jpg" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestLookAtThisProcess(t *testing.T) {
	t.Parallel()
	p, err := lookAt(os.Getpid())
	if err != nil || p.rssMB < 1 || p.fds < 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := lookAt(1 << 30); err == nil {
		t.Error("a process that does not run is looked at")
	}
}

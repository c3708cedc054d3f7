//go:build workers

package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"gourdian/agent/internal/store"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
)

// runInProcess is the board as a part of this program, under its race detector
// and its look for goroutines that are left behind.
func runInProcess(t *testing.T, m model) {
	var log transcript
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	config := Config{
		Data: t.TempDir(), Listen: "127.0.0.1:0", Log: "info",
		Model:   Model{Bundle: m.bundle, OnnxRuntime: testbed.OnnxRuntime(t)},
		Workers: Workers{Camera: testbed.Program(t, capture.Program), Infer: testbed.Program(t, infer.Program)},
		Cameras: []Camera{
			{ID: "barn", Source: "folder:" + m.repeated(t, 8, 25) + "?loop=1&fps=5"},
			{ID: "field", Source: "field:seed=3&speed=60"},
			{ID: "gone", Source: "device:/dev/video-of-nobody"},
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, config, Build{Version: "test"}, slog.New(slog.NewTextHandler(&log, nil))) }()
	p := &program{}
	address := regexp.MustCompile(`device page is served.* address=(\S+)`)
	until(t, "the page is served", func() bool {
		found := address.FindStringSubmatch(log.String())
		if found != nil {
			p.url = "http://" + found[1]
		}
		return found != nil
	})
	until(t, "two cameras are judged and a record is kept", func() bool {
		s := p.status(t)
		return len(s.Cameras) == 3 && s.Cameras[0].Scored > 2 && s.Cameras[1].Scored > 2 && s.Store.Records > 0
	})
	until(t, "the page says what is wrong with the third", func() bool {
		for _, c := range p.status(t).Conditions {
			if c.Code == "camera_missing" && strings.Contains(c.Hint, "/dev/video-of-nobody") {
				return true
			}
		}
		return false
	})
	began := time.Now()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > stopsWithin {
		t.Errorf("the board stopped after %v", took)
	}
}

func TestSecondAgentOnTheSameDataIsRefusedInWords(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := launch(t, environ(t, data))
	first.waitPage(t)
	second := launch(t, environ(t, data))
	if code := second.exit(t); code != 1 || !strings.Contains(second.log.String(), "stop the other gourdian-agent") {
		t.Errorf("exit code %d, it said %s", code, second.log.String())
	}
	if s := first.status(t); s.Store.NotKept != 0 {
		t.Errorf("the first one is not well: %+v", s)
	}
}

func TestBusyPortIsSaid(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := launch(t, append(environ(t, t.TempDir()), "GOURDIAN_AGENT_LISTEN="+taken.Addr().String()))
	code, said := p.exit(t), p.log.String()
	if code != 1 || !strings.Contains(said, "another program uses this port") || !strings.Contains(said, taken.Addr().String()) {
		t.Errorf("exit code %d, it said %s", code, said)
	}
}

func TestWrongUseHasItsExitCodeAndLeavesNothing(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	bad, err := filepath.Abs("testdata/bad/unknown-camera-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"unknown key":      {[]string{"--config", bad}, "framerate"},
		"no such file":     {[]string{"--config", "/nowhere.yaml"}, "/nowhere.yaml"},
		"unknown flag":     {[]string{"--confg", bad}, "unknown flag"},
		"too many words":   {[]string{"run"}, "unknown command"},
		"reset, wrong key": {[]string{"reset-pin", "--config", bad}, "framerate"},
	} {
		p := launch(t, environ(t, data), tc.args...)
		if code, said := p.exit(t), p.log.String(); code != 2 || !strings.Contains(said, tc.want) {
			t.Errorf("%s: exit code %d, it said %s", name, code, said)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a refused start made the data folder")
	}
}

func TestPrintConfigNeedsNoBoardAndHoldsNoPassword(t *testing.T) {
	t.Parallel()
	good, err := filepath.Abs("testdata/good/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	p := launch(t, []string{"GOURDIAN_AGENT_DATA=" + data}, "--config", good, "--print-config")
	code, said := p.exit(t), p.log.String()
	if code != 0 || !strings.Contains(said, "data: "+data) || !strings.Contains(said, "id: row-3") || strings.Contains(said, "secret") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("printing made the data folder")
	}
}

// A board that waits for everything (no model, a camera that is silent) must
// still end at once.
func TestSignalEndsABoardThatWaits(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := serve(t, t.TempDir(), "/nowhere/model.gourdian", "device:/dev/video-of-nobody")
		until(t, "the page says what is missing", func() bool {
			codes := ""
			for _, c := range p.status(t).Conditions {
				codes += c.Code + " "
			}
			return strings.Contains(codes, "model_missing")
		})
		began := time.Now()
		if code := p.signal(t, s); code != 0 {
			t.Errorf("%v: exit code %d", s, code)
		}
		t.Logf("%v: ended after %v", s, time.Since(began).Round(time.Millisecond))
	}
}

func TestDamagedSettingsAreSaidOnThePage(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := launch(t, environ(t, data))
	p.waitPage(t)
	if code := p.signal(t, syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	spoilSettings(t, data)
	again := launch(t, environ(t, data))
	again.waitPage(t)
	for _, c := range again.status(t).Conditions {
		if c.Code == settingsDamaged && c.Text != "" && c.Text != c.Code {
			return
		}
	}
	t.Errorf("the page says %+v", again.status(t).Conditions)
}

// spoilSettings keeps settings that no page would.
func spoilSettings(t *testing.T, data string) {
	t.Helper()
	s, err := store.Open(store.Options{Dir: filepath.Join(data, "store")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	saved := s.SaveSettings(ctx, []byte(`{"board_name":`))
	cancel()
	if err := errors.Join(saved, <-ended, s.Close()); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

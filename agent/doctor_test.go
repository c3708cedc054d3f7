package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctorOfAConfigThatCanNotBeUsed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	fault := errors.New("config: has invalid keys: framerate")
	if err := Doctor(t.Context(), Config{}, Build{}, Examination{Fault: fault, Out: &out}); !errors.Is(err, ErrUnwell) {
		t.Errorf("%v", err)
	}
	if said := out.String(); !strings.HasPrefix(said, "failed   config") || !strings.Contains(said, "framerate") || !strings.Contains(said, "1 failed") {
		t.Errorf("%s", said)
	}
}

// bareConfig is a board without cameras, a model and programs.
func bareConfig(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	return Config{
		Data: dir, Listen: "127.0.0.1:0", Log: "info", Model: Model{Bundle: filepath.Join(dir, "model.gourdian")},
		Workers: Workers{Camera: "/nowhere/gourdian-camera", Infer: "/nowhere/gourdian-infer"},
	}
}

func TestDoctorSaysOnTheTerminalWhatItLooksAt(t *testing.T) {
	t.Parallel()
	var out, terminal bytes.Buffer
	err := Doctor(t.Context(), bareConfig(t), Build{Version: "1"}, Examination{Out: &out, Progress: &terminal})
	if !errors.Is(err, ErrUnwell) {
		t.Errorf("without a model: %v", err)
	}
	if shown := terminal.String(); !strings.Contains(shown, "Disk speed ...") || !strings.HasSuffix(shown, "\r\x1b[K") {
		t.Errorf("%q", shown)
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("progress stands in the report: %q", &out)
	}
	for _, line := range []string{"failed   library", "gourdian-infer can’t be started", "failed   model", "There is no model at"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing in\n%s", line, &out)
		}
	}
}

func TestDoctorPrintsOneObjectForPrograms(t *testing.T) {
	t.Parallel()
	config := bareConfig(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	config.Listen = taken.Addr().String()
	var out bytes.Buffer
	if err := Doctor(t.Context(), config, Build{Version: "1"}, Examination{File: "a.yaml", Out: &out, JSON: true}); !errors.Is(err, ErrUnwell) {
		t.Errorf("%v", err)
	}
	var report struct {
		Version string
		OK      bool
		Checks  []struct{ ID, Code string }
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	codes := map[string]string{}
	for _, c := range report.Checks {
		codes[c.ID] = c.Code
	}
	if report.OK || report.Version != "1" || codes["page"] != "page_busy" || codes["config"] != "config_no_camera" || codes["data"] == "" {
		t.Errorf("%s", &out)
	}
}

func TestDoctorThatIsInterruptedPrintsNoReport(t *testing.T) {
	t.Parallel()
	config := bareConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := Doctor(ctx, config, Build{}, Examination{Out: &out, JSON: true}); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("%v, %s", err, &out)
	}
	if entries, err := os.ReadDir(config.Data); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

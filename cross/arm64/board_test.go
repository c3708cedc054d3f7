//go:build arm64emulated

package arm64

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/ort"
)

func TestEveryARMProgramStarts(t *testing.T) {
	t.Parallel()
	dir := emulated(t)
	for _, c := range []struct{ program, args, says string }{
		{"gourdian-agent", "--version", "gourdian-agent version"},
		{capture.Program, "--version", "OpenCV 4."},
		{infer.Program, "--version", "gourdian-infer version"},
		{"gourdianctl", "version --json", `"platform": "linux/arm64"`},
		{"gourdian-agent", "--print-config", "listen:"},
		{"gourdian-hub", "--version", "gourdian-hub version"},
		{"gourdian-hub", "--print-config", "listen_mqtt:"},
	} {
		if said := run(t, filepath.Join(dir, c.program), strings.Fields(c.args)...); !strings.Contains(said, c.says) {
			t.Errorf("%s %s says %q", c.program, c.args, said)
		}
	}
}

// transcript is what the agent prints; the test reads on while it writes.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// showVerdicts runs a whole board of arm64 programs, under the profile of a
// small one, on three pictures, until its page shows what it thinks of them.
func (m model) showVerdicts(t *testing.T) {
	ctx := within(t)
	dir, folder := emulated(t), t.TempDir()
	for _, name := range m.some(t, 3) {
		if err := os.Symlink(name, filepath.Join(folder, filepath.Base(name))); err != nil {
			t.Fatal(err)
		}
	}
	var log transcript
	agent := exec.CommandContext(ctx, filepath.Join(dir, "gourdian-agent"))
	agent.Dir = t.TempDir()
	agent.Stdout, agent.Stderr = &log, &log
	agent.Env = append(os.Environ(),
		"GOURDIAN_AGENT_DATA="+t.TempDir(), "GOURDIAN_AGENT_LISTEN=127.0.0.1:0", "GOURDIAN_AGENT_PROFILE=generic-arm64",
		"GOURDIAN_AGENT_MODEL_BUNDLE="+m.bundle, "GOURDIAN_AGENT_MODEL_ONNXRUNTIME="+built(t, ort.LibraryFile),
		// Trying the variants would take minutes here: fp32 is the slowest.
		"GOURDIAN_AGENT_MODEL_VARIANT=int8-rr",
		"GOURDIAN_AGENT_WORKERS_CAMERA="+filepath.Join(dir, capture.Program), "GOURDIAN_AGENT_WORKERS_INFER="+filepath.Join(dir, infer.Program),
		"GOURDIAN_AGENT_CAMERAS_0_ID=barn", "GOURDIAN_AGENT_CAMERAS_0_SOURCE=folder:"+folder)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- agent.Wait() }()
	defer func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		if t.Failed() {
			t.Logf("it said:\n%s", log.String())
		}
	}()

	var page string
	until(ctx, t, "the page is served", func() bool {
		found := regexp.MustCompile(`device page is served.* address=(\S+)`).FindStringSubmatch(log.String())
		if found != nil {
			page = "http://" + found[1]
		}
		return found != nil
	})
	var records struct {
		Records []struct {
			Verdict string `json:"verdict"`
			Variant string `json:"variant"`
		} `json:"records"`
	}
	until(ctx, t, "three records are listed", func() bool {
		return json.Unmarshal([]byte(get(ctx, page+"/api/v1/records")), &records) == nil && len(records.Records) == 3
	})
	for _, r := range records.Records {
		if r.Verdict == "" || r.Variant != "int8-rr" {
			t.Errorf("a record says %+v", r)
		}
	}
	if said := get(ctx, page+"/"); !strings.Contains(said, "Last verdict") {
		t.Errorf("the page shows no verdict:\n%s", said)
	}
}

// get returns what an address answers, "" while it does not.
func get(ctx context.Context, url string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// until waits for a condition, at most until ctx ends.
func until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

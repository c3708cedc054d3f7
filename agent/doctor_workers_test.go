//go:build workers

package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
)

// diagnosis is what the tests read of `gourdian-agent doctor --json`.
type diagnosis struct {
	OK      bool `json:"ok"`
	Running bool `json:"agent_running"`
	Checks  []struct {
		ID      string  `json:"id"`
		Subject string  `json:"subject"`
		Code    string  `json:"code"`
		Value   float64 `json:"value"`
		Text    string  `json:"text"`
	} `json:"checks"`
}

// code is what was found of a thing, "" where it was not looked at.
func (d diagnosis) code(id, subject string) string {
	for _, c := range d.Checks {
		if c.ID == id && (subject == "" || c.Subject == subject) {
			return c.Code
		}
	}
	return ""
}

// examine runs the doctor as a person does and holds it to its exit code.
func examine(t *testing.T, environ ...string) (d diagnosis) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testbed.Program(t, "gourdian-agent"), "doctor", "--json")
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatalf("no JSON: %v\n%s\n%s", err, out, &stderr)
	}
	if code := cmd.ProcessState.ExitCode(); code != map[bool]int{true: 0, false: 1}[d.OK] {
		t.Errorf("exit code %d with ok %v", code, d.OK)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
	return d
}

// onePatch is a config with a camera that works.
func onePatch(bundle string) []string {
	return []string{"GOURDIAN_AGENT_MODEL_BUNDLE=" + bundle, "GOURDIAN_AGENT_CAMERAS_0_ID=patch",
		"GOURDIAN_AGENT_CAMERAS_0_SOURCE=field:seed=3&speed=60&fps=4&width=640&height=480"}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	m := trainModel(t, 40)
	for name, check := range map[string]func(*testing.T, model){
		"of a board at rest": doctorAtRest, "library missing": doctorWithoutLibrary, "bundle cut off": doctorOfBrokenBundle,
		"beside a running agent": doctorBesideAgent, "interrupted": doctorInterrupted,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); check(t, m) })
	}
}

func doctorAtRest(t *testing.T, m model) {
	data := t.TempDir()
	d := examine(t, append(append(environ(t, data), onePatch(m.bundle)...),
		"GOURDIAN_AGENT_CAMERAS_1_ID=gone", "GOURDIAN_AGENT_CAMERAS_1_SOURCE=device:/dev/video-of-nobody",
		"GOURDIAN_AGENT_CAMERAS_2_ID=empty", "GOURDIAN_AGENT_CAMERAS_2_SOURCE=folder:"+t.TempDir())...)
	for _, want := range []struct{ id, subject, code string }{
		{"config", "", "config_defaults"}, {"agent", "", "agent_stopped"}, {"data", "", "data_ok"}, {"space", "", "space_ok"},
		{"camera", "patch", "camera_ok"}, {"library", "", "runtime_ok"}, {"model", "", "model_rendered"}, {"page", "", "page_free"},
	} {
		if got := d.code(want.id, want.subject); got != want.code {
			t.Errorf("%s %s: %s, want %s", want.id, want.subject, got, want.code)
		}
	}
	for _, subject := range []string{"gone", "empty"} {
		if code := d.code("camera", subject); !strings.HasPrefix(code, "camera_") || code == "camera_ok" || code == "camera_once" {
			t.Errorf("camera %s: %s", subject, code)
		}
	}
	chosen := 0
	for _, c := range d.Checks {
		if c.Code == "variant_chosen" || c.Code == "variant_only" {
			chosen++
		}
		if c.ID == "disk" && c.Value <= 0 {
			t.Errorf("the disk was not measured: %+v", c)
		}
	}
	if chosen != 1 || d.OK || d.Running {
		t.Errorf("%d variants chosen, ok %v, running %v", chosen, d.OK, d.Running)
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) != 0 {
		t.Errorf("it left behind %v, %v", entries, err)
	}
}

func doctorWithoutLibrary(t *testing.T, m model) {
	d := examine(t, append(append(environ(t, t.TempDir()), onePatch(m.bundle)...), "GOURDIAN_AGENT_MODEL_ONNXRUNTIME=/nowhere/libonnxruntime.so")...)
	if code := d.code("library", ""); code != "runtime_missing" || d.OK {
		t.Errorf("%s, ok %v", code, d.OK)
	}
	d = examine(t, append(environ(t, t.TempDir()), "GOURDIAN_AGENT_MODEL_BUNDLE=/nowhere.gourdian", "GOURDIAN_AGENT_MODEL_ONNXRUNTIME=/nowhere/libonnxruntime.so")...)
	if library, model := d.code("library", ""), d.code("model", ""); library != "runtime_missing" || model != "model_missing" {
		t.Errorf("without a bundle, too: %s, %s", library, model)
	}
	notOne := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(notOne, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	d = examine(t, append(append(environ(t, t.TempDir()), onePatch(m.bundle)...), "GOURDIAN_AGENT_MODEL_ONNXRUNTIME="+notOne)...)
	if code := d.code("library", ""); code != "runtime_unusable" {
		t.Errorf("a file that is no library: %s", code)
	}
}

func doctorOfBrokenBundle(t *testing.T, m model) {
	whole, err := os.ReadFile(m.bundle)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.gourdian")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	d := examine(t, append(environ(t, t.TempDir()), onePatch(cut)...)...)
	if code := d.code("model", ""); code != "model_refused" || d.OK {
		t.Errorf("%s, ok %v", code, d.OK)
	}
}

// doctorBesideAgent must take nothing from an agent that runs.
func doctorBesideAgent(t *testing.T, m model) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	config := append(append(environ(t, t.TempDir()), onePatch(m.bundle)...), "GOURDIAN_AGENT_LISTEN="+listen)
	p := launch(t, config)
	p.waitPage(t)
	until(t, "pictures are judged, and their rate is known", func() bool { return p.scored(t) > 2 && p.status(t).Cameras[0].FPS > 0 })
	infers, cameras := p.child(t, infer.Program), p.child(t, capture.Program)
	d := examine(t, config...)
	for _, want := range []struct{ id, code string }{{"agent", "agent_running"}, {"camera", "camera_ok"}, {"library", "runtime_ok"}, {"page", "page_served"}} {
		if got := d.code(want.id, ""); got != want.code {
			t.Errorf("%s: %s, want %s", want.id, got, want.code)
		}
	}
	if !d.Running || infers != p.child(t, infer.Program) || cameras != p.child(t, capture.Program) {
		t.Errorf("running %v; workers %d and %d are now %d and %d", d.Running, infers, cameras, p.child(t, infer.Program), p.child(t, capture.Program))
	}
	// Another address in the config: the agent is there, and can't be asked.
	d = examine(t, append(config, "GOURDIAN_AGENT_LISTEN=127.0.0.1:0")...)
	if agent, camera := d.code("agent", ""), d.code("camera", ""); agent != "agent_silent" || camera != "unchecked" {
		t.Errorf("of an agent that can't be asked: %s, %s", agent, camera)
	}
}

// doctorInterrupted is Ctrl-C while a camera keeps it waiting.
func doctorInterrupted(t *testing.T, m model) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	data := t.TempDir()
	p := launch(t, append(environ(t, data), "GOURDIAN_AGENT_MODEL_BUNDLE="+m.bundle,
		"GOURDIAN_AGENT_CAMERAS_0_ID=mute", "GOURDIAN_AGENT_CAMERAS_0_SOURCE=rtsp://"+mute.Addr().String()+"/s"), "doctor")
	until(t, "it waits for the camera", func() bool { return p.child(t, capture.Program) != 0 })
	camera := p.child(t, capture.Program)
	if code := p.signal(t, syscall.SIGINT); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if runs(camera) {
		t.Error("its camera worker lives on")
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) != 0 {
		t.Errorf("it left behind %v, %v", entries, err)
	}
}

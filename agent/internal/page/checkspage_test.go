package page

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gourdian/agent/internal/doctor"
)

// fakeDoctor says what a test makes it say.
type fakeDoctor struct {
	mu     sync.Mutex
	state  doctor.DeskState // guarded by mu
	starts int              // guarded by mu
}

func (f *fakeDoctor) Start() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Running {
		return false
	}
	f.starts++
	f.state.Running = true
	return true
}

func (f *fakeDoctor) State() doctor.DeskState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fakeDoctor) set(state doctor.DeskState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = state
}

func (f *fakeDoctor) started() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

// aReport has one result of each verdict.
func aReport() *doctor.Report {
	return &doctor.Report{Version: "1.2.3", Began: time.Now(), Took: 9 * time.Second, Running: true, Results: []doctor.Result{
		{Check: "config", Code: "config_running", Args: map[string]any{"cameras": 1}},
		{Check: "disk", Code: "disk_slow", Value: 120, Unit: "ms", Args: map[string]any{"p50": doctor.Span(120 * time.Millisecond), "p99": doctor.Span(2 * time.Second), "mbs": 1.5}},
		{Check: "camera", Subject: "barn", Code: "camera_silent", Args: map[string]any{"time": doctor.Span(15 * time.Second)}},
		{Check: "heat", Code: "heat_unknown"},
	}}
}

func TestChecksAreShownWorstFirstWithTheirRemedy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.doctor.set(doctor.DeskState{Report: aReport()})
	page := r.get("/check").Body.String()
	last := -1
	for _, text := range []string{"1 thing failed. 1 warning.", "What to do", "Camera Barn", "no picture for 15 s", "Check cable and power",
		"Disk speed", "a record takes 120 ms", "1.5 MB/s", "A card of class", "What is well", "cameras: 1", "What could not be checked", "no sensor"} {
		at := strings.Index(page, text)
		if at < last {
			t.Errorf("%q stands at %d, after what should follow it (%d)", text, at, last)
		}
		last = at
	}
}

func TestChecksSpeakSpanish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.doctor.set(doctor.DeskState{Report: aReport()})
	page := r.do(request{target: "/check", header: map[string]string{"Accept-Language": "es"}}).Body.String()
	for _, text := range []string{"1 cosa ha fallado. 1 aviso.", "No da imagen desde hace 15 s", "1,5 MB/s"} {
		if !strings.Contains(page, text) {
			t.Errorf("%q is not said", text)
		}
	}
}

func TestStrangerStartsNoChecks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.post("/check", nil)
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/pin") || r.doctor.started() != 0 {
		t.Errorf("%d to %q, %d runs", w.Code, w.Header().Get("Location"), r.doctor.started())
	}
}

func TestSecondStartJoinsTheFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn()
	for range 2 {
		if w := r.post("/check", cookie); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/check" {
			t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
		}
	}
	if n := r.doctor.started(); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestProgressNeedsNoJavaScript(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.doctor.set(doctor.DeskState{Running: true, Done: 4, Total: 15, Check: "camera", Subject: "barn", Report: aReport()})
	page := r.get("/check").Body.String()
	for _, text := range []string{`http-equiv="refresh"`, "Checking: Camera Barn (5 of 15)", `max="15" value="4"`} {
		if !strings.Contains(page, text) {
			t.Errorf("%s is missing", text)
		}
	}
	if strings.Contains(page, "failed") || strings.Contains(page, "<button class=\"button\">") {
		t.Error("what was found before, or the button, is shown while it is looked at anew")
	}
	r.doctor.set(doctor.DeskState{})
	if page := r.get("/check").Body.String(); strings.Contains(page, "refresh\"") || !strings.Contains(page, "Check now") {
		t.Error("a page at rest reloads itself, or has no button")
	}
}

func TestDoctorForPrograms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if body := r.get("/api/v1/doctor").Body.String(); !strings.Contains(body, `"report":null`) {
		t.Errorf("before the first run: %s", body)
	}
	r.doctor.set(doctor.DeskState{Report: aReport()})
	body := r.get("/api/v1/doctor").Body.String()
	for _, text := range []string{`"code":"disk_slow"`, `"verdict":"warning"`, `"value":120`, `"unit":"ms"`, `"subject":"barn"`, `"ok":false`, `"failed":1`} {
		if !strings.Contains(body, text) {
			t.Errorf("%s is missing in %s", text, body)
		}
	}
}

func TestChecksComeByTheEventStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.doctor.set(doctor.DeskState{Running: true, Done: 1, Total: 15, Check: "disk"})
	html, err := r.server.fragment(partChecks, "en", r.hub.State())
	if err != nil || !strings.Contains(string(html), "Checking: Disk speed (2 of 15)") {
		t.Errorf("%s, %v", html, err)
	}
}

package doctor

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"gourdian/agent/internal/gate"
	"gourdian/agent/internal/live"
)

func TestRunningAgentsCamerasAreReadOff(t *testing.T) {
	t.Parallel()
	now := time.Now()
	well := live.Camera{ID: "barn", FrameSeq: 9, FrameAt: now, W: 1280, H: 720, FPS: 15}
	with := func(spoil func(*live.Camera), conditions ...live.Condition) live.State {
		c := well
		spoil(&c)
		return live.State{Started: now.Add(-time.Hour), Cameras: []live.Camera{c}, Conditions: conditions}
	}
	never := func(c *live.Camera) { c.FrameSeq, c.FrameAt = 0, time.Time{} }
	for name, c := range map[string]struct {
		state live.State
		codes []Code
	}{
		"well":          {with(func(*live.Camera) {}), []Code{cameraOK}},
		"slow":          {with(func(c *live.Camera) { c.FPS = 0.3 }), []Code{cameraSlow}},
		"night":         {with(func(c *live.Camera) { c.LastSkip = gate.Night }), []Code{cameraDark}},
		"blurred":       {with(func(c *live.Camera) { c.LastSkip = gate.Blur }), []Code{cameraBlurred}},
		"badly lit":     {with(func(c *live.Camera) { c.LastSkip = gate.Exposure }), []Code{cameraExposure}},
		"at its end":    {with(func(c *live.Camera) { c.Finished = true }), []Code{cameraOnce}},
		"silent":        {with(func(c *live.Camera) { c.FrameAt = now.Add(-3 * time.Minute) }), []Code{cameraSilent}},
		"never showed":  {with(never), []Code{cameraSilent}},
		"just started":  {live.State{Started: now, Cameras: []live.Camera{{ID: "barn"}}}, []Code{cameraStarting}},
		"first second":  {live.State{Started: now, Cameras: []live.Camera{{ID: "barn", FrameSeq: 2, FrameAt: now, W: 1280, H: 720}}}, []Code{cameraStarting}},
		"not opened":    {with(never, live.Condition{Code: "camera_missing", Subject: "barn", Args: map[string]string{"why": "it is no video"}}), []Code{cameraUnopened}},
		"another's":     {with(never, live.Condition{Code: "camera_missing", Subject: "gate"}), []Code{cameraSilent}},
		"config is new": {live.State{}, []Code{cameraUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Board{Now: func() time.Time { return now }, Locked: true, Live: func() live.State { return c.state }}
			camera := Camera{ID: "barn", FPS: 2, Address: address(t, "file:clip.mp4")}
			wantAll(t, b.camera(t.Context(), camera), c.codes...)
		})
	}
}

func TestAgentWhosePageIsSilentIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := &Board{Locked: true, Listen: ":8080"}
	want(t, b.agent(t.Context()), agentSilent)
	wantAll(t, b.camera(t.Context(), Camera{ID: "barn"}), unchecked)
	wantAll(t, b.model(t.Context()), variantsUnknown)
	want(t, b.page(t.Context()), pageSilent)
	want(t, (&Board{LockFault: syscall.EACCES}).agent(t.Context()), agentUnknown)
	want(t, (&Board{}).agent(t.Context()), agentStopped)
}

func TestStatusOfARunningAgentIsUnderstood(t *testing.T) {
	t.Parallel()
	const answer = `{"version":"1.4.0","started":"2026-10-05T08:00:00Z","cameras":[{"id":"barn","width":640,"height":480,"frames_per_second":12.5,
		"frame":{"seq":7,"at":"2026-10-05T09:00:00Z"},"last_skip":"still"}],
		"model":{"name":"patch","variant":"int8","variants_tried":[{"name":"int8","ms_p50":4.5,"passes_golden":true}],"provider":"cpu","provider_asked":"cpu",
		"library":"onnxruntime 1.32.0","trained_on":"rendered","training_images":160,"infer_ms":5},
		"conditions":[{"code":"clock_unknown","subject":"","hint":"Set it."}],"store":{"picture_quota_bytes":1000}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/status" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	listen := strings.TrimPrefix(server.URL, "http://")
	base, state, err := Ask(t.Context(), listen)
	if err != nil || base != server.URL {
		t.Fatalf("%s, %v", base, err)
	}
	camera, model := state.Cameras[0], state.Model
	if camera.ID != "barn" || camera.FrameSeq != 7 || camera.FPS != 12.5 || camera.W != 640 || camera.LastSkip != "still" ||
		model.Variant != "int8" || model.Tried[0].Millis != 4.5 || !model.Tried[0].Passes || model.InferMillis != 5 ||
		state.Conditions[0].Args["why"] != "Set it." || state.Store.PictureQuota != 1000 || state.Version != "1.4.0" {
		t.Errorf("%+v, %+v", state, model)
	}
}

func TestPageThatIsNoAgents(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	t.Cleanup(server.Close)
	if _, _, err := Ask(t.Context(), strings.TrimPrefix(server.URL, "http://")); err == nil {
		t.Error("HTML is taken for a status")
	}
	for listen, want := range map[string]string{
		":8080": "http://127.0.0.1:8080", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:8080": "http://127.0.0.1:8080", "192.168.1.4:8080": "http://192.168.1.4:8080", ":0": "", "8080": "",
	} {
		if got, err := BaseOf(listen); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", listen, got, err)
		}
	}
}

func TestPortThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	want(t, (&Board{Listen: taken.Addr().String()}).page(t.Context()), pageBusy)
	want(t, (&Board{Listen: "127.0.0.1:0"}).page(t.Context()), pageFree)
	want(t, (&Board{Listen: "203.0.113.7:80"}).page(t.Context()), pageBad)
	want(t, judgeListen(":80", syscall.EACCES), pageDenied)
	state := func() live.State { return live.State{} }
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(served.Close)
	want(t, (&Board{Live: state, Page: func() string { return served.URL }}).page(t.Context()), pageServed)
	want(t, (&Board{Live: state, Page: func() string { return "http://" + taken.Addr().String() }}).page(quickly(t)), pageSilent)
}

func TestConfigThatCanNotBeUsedIsTheFirstThingSaid(t *testing.T) {
	t.Parallel()
	results, err := Run(t.Context(), Unreadable(errors.New("config: 'cameras[0]' has invalid keys: framerate")), Watch{})
	if err != nil || len(results) < 2 {
		t.Fatalf("%v, %v", results, err)
	}
	want(t, results[0], configBad)
	for _, r := range results[1:] {
		want(t, r, unchecked)
	}
	if report := (Report{Results: results}); report.Count(Failed) != 1 {
		t.Errorf("%d failed", report.Count(Failed))
	}
}

func TestReportForPrograms(t *testing.T) {
	t.Parallel()
	report := Report{Version: "1", Results: []Result{judgeHeat(72, true, 0, 70, 85), is(powerUnknown), is(cameraSilent, "time", Span(time.Second)).of("barn")}}
	data, err := json.Marshal(report.JSON(speakers(t)[0]))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		OK                        bool
		Failed, Warnings, Skipped int
		Checks                    []map[string]any
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.OK || got.Failed != 1 || got.Warnings != 1 || got.Skipped != 1 || len(got.Checks) != 3 {
		t.Errorf("%s", data)
	}
	if c := got.Checks[0]; c["value"] != 72.0 || c["unit"] != "°C" || c["verdict"] != "warning" || c["remedy"] == "" {
		t.Errorf("%v", c)
	}
	if _, there := got.Checks[1]["value"]; there {
		t.Errorf("a value that nobody measured: %v", got.Checks[1])
	}
}

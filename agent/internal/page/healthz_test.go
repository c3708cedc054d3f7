package page

import (
	"net/http"
	"testing"

	"gourdian/agent/internal/live"
)

// health asks for /healthz, whatever its status is.
func (r *rig) health() (status int, body healthAnswer) {
	r.t.Helper()
	w := r.get("/healthz")
	status, w.Code = w.Code, http.StatusOK
	return status, answer[healthAnswer](r.t, w)
}

func TestHealthByTheWorstCondition(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	own := len(r.server.conditions(r.hub.State())) // page assets, before set-up
	if status, body := r.health(); status != http.StatusOK || own == 0 && body.Status != "ok" || body.Version != "1.2.3" || body.Conditions == nil {
		t.Fatalf("all well: %d %+v", status, body)
	}
	r.hub.Raise(live.Condition{Code: "trained_on_rendered", Severity: live.Info})
	if status, body := r.health(); status != http.StatusOK || own == 0 && body.Status != "ok" || len(body.Conditions) != own+1 {
		t.Errorf("good to know: %d %+v", status, body)
	}
	r.hub.Raise(live.Condition{Code: "disk_low", Severity: live.Warning, Args: map[string]string{"free_mb": "90"}})
	if status, body := r.health(); status != http.StatusOK || body.Status != "warning" {
		t.Errorf("a warning: %d %+v", status, body)
	}
	r.hub.Raise(live.Condition{Code: "camera_missing", Severity: live.Serious, Subject: "barn"})
	status, body := r.health()
	if status != http.StatusServiceUnavailable || body.Status != "failing" {
		t.Errorf("serious: %d %+v", status, body)
	}
	first := body.Conditions[0]
	if first.Code != "camera_missing" || first.Severity != "serious" || first.Subject != "barn" || first.Text == "" || first.Since.IsZero() {
		t.Errorf("the worst does not come first: %+v", body.Conditions)
	}
	r.hub.Clear("camera_missing", "barn")
	if status, body := r.health(); status != http.StatusOK || body.Status != "warning" {
		t.Errorf("healed: %d %+v", status, body)
	}
}

func TestStatusTellsTheWholeBoard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	empty := answer[statusAnswer](t, r.get("/api/v1/status"))
	if empty.Model != nil || empty.FieldNow != nil || empty.Device != "d0a1" || empty.Conditions == nil || empty.Cameras[0].Skips == nil {
		t.Errorf("a board that has seen nothing: %+v", empty)
	}
	r.showModel()
	r.hub.UpdateCamera("barn", func(c *live.Camera) {
		c.Scored, c.Dropped, c.Skips = 3, 2, map[string]uint64{"blurred": 4}
		c.Zones = []live.ZoneState{{Zone: "", Occupied: true, Frames: 3, Verdict: "bad", Probabilities: map[string]float64{"bad": 0.9}}}
	})
	r.hub.SetStore(live.Store{Records: 5, Pictures: 4, NotKept: 1, Degraded: true})
	got := answer[statusAnswer](t, r.get("/api/v1/status"))
	camera := got.Cameras[0]
	if camera.ID != "barn" || camera.Scored != 3 || camera.Dropped != 2 || camera.Skips["blurred"] != 4 || len(camera.Zones) != 1 ||
		camera.Zones[0].Verdict != "bad" || camera.Zones[0].Probabilities["bad"] != 0.9 {
		t.Errorf("camera %+v", camera)
	}
	if got.Model == nil || len(got.Model.Classes) != 4 || got.Model.Classes[0].Labels["es"] == "" || got.Model.TrainedOn != "photos" {
		t.Errorf("model %+v", got.Model)
	}
	if got.Store != (storeAnswer{Records: 5, Pictures: 4, NotKept: 1, Degraded: true}) {
		t.Errorf("store %+v", got.Store)
	}
	if got.Revision <= empty.Revision {
		t.Errorf("revision %d after %d", got.Revision, empty.Revision)
	}
}

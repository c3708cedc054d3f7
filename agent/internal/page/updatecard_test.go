package page

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"gourdian/agent/internal/live"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// fakeModels counts how often somebody went back.
type fakeModels struct{ backs atomic.Int64 }

func (f *fakeModels) GoBack() bool { f.backs.Add(1); return true }

const newModel = "a6312a4d89f3fc3677a640208ebae559830a1b541f7d28217847db1b5bcf3931"

func TestEveryStageAndStepOfAnUpdateHasWords(t *testing.T) {
	t.Parallel()
	for _, lang := range []web.Lang{web.English, web.Spanish} {
		v := &voice{Speaker: catalogue(t).In(lang)}
		for _, stage := range []wire.UpdateStage{wire.StageWaiting, wire.StageDownloading, wire.StageStaged, wire.StageTesting, wire.StageShadow,
			wire.StageSoaking, wire.StageCommitted, wire.StageRefused, wire.StageRolledBack} {
			if line := v.updateLine(&wire.UpdateState{Bundle: newModel, Stage: stage}); !strings.Contains(line, newModel[:12]) {
				t.Errorf("%s, %s: %q", lang, stage, line)
			}
		}
		for _, step := range []wire.UpdateStep{wire.StepSignature, wire.StepExpired, wire.StepHash, wire.StepFormat, wire.StepPreprocess,
			wire.StepGolden, wire.StepSpeed, wire.StepShadow, wire.StepSoak, wire.StepDisk} {
			if line := v.updateLine(&wire.UpdateState{Bundle: newModel, Stage: wire.StageRefused, Step: step}); !strings.Contains(line, ": ") {
				t.Errorf("%s, %s: %q", lang, step, line)
			}
		}
	}
}

func TestHealthPageSaysHowAModelOfTheHubDoes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if strings.Contains(r.get("/health").Body.String(), "/model/back") {
		t.Error("a board of its own can go back from nothing")
	}
	r.hub.SetUpdate(live.Update{State: wire.UpdateState{Bundle: newModel, Rollout: "one", Stage: wire.StageDownloading, DoneBytes: 43, TotalBytes: 100}})
	if text := r.get("/health").Body.String(); !strings.Contains(text, "43") || !strings.Contains(text, "a6312a4d89f3") {
		t.Error("the page does not say how far the download is")
	}
	r.hub.SetUpdate(live.Update{Current: newModel, State: wire.UpdateState{Bundle: newModel, Stage: wire.StageRefused, Step: wire.StepGolden, Why: "golden <frame>"}})
	text := r.do(request{target: "/health", header: map[string]string{"Accept-Language": "es"}}).Body.String()
	for _, want := range []string{"el modelo propio", "golden &lt;frame&gt;", "rechazado"} {
		if !strings.Contains(strings.ToLower(text), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var status struct {
		Update struct{ Serves, Stage, Step, Text string }
	}
	if err := json.Unmarshal(r.get("/api/v1/status").Body.Bytes(), &status); err != nil || status.Update.Serves != newModel || status.Update.Step != "golden" {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestGoingBackNeedsThePIN(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.SetUpdate(live.Update{Current: newModel, State: wire.UpdateState{Bundle: newModel, Stage: wire.StageCommitted}})
	if w := r.post("/model/back", nil); w.Code == http.StatusOK || r.models.backs.Load() != 0 {
		t.Errorf("without a PIN: %d", w.Code)
	}
	cookie := r.signIn()
	if w := r.post("/model/back", cookie); w.Code != http.StatusSeeOther || r.models.backs.Load() != 1 {
		t.Errorf("with the PIN: %d, went back %d times", w.Code, r.models.backs.Load())
	}
}

package console

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/deliver"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/rollout"
	"gourdian/internal/wire"
)

// lets releases everything.
type lets struct{}

func (lets) Release(context.Context, registry.Version, string, string) error { return nil }
func (lets) Signed(string) bool                                              { return false }

// rolloutRig is the pages over three boards of which one is away, and a model.
type rolloutRig struct {
	*rig
	rollouts *rollout.Rollouts
	db       *db.DB
	bundle   string
}

func newRolloutRig(t *testing.T) *rolloutRig {
	t.Helper()
	d := dbtest.SQLite(t)
	a, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	boards, err := fleet.Open(t.Context(), fleet.Config{Now: time.Now}, d, a)
	if err != nil {
		t.Fatal(err)
	}
	for device, online := range map[string]bool{"north": true, "south": true, "away": false} {
		b := fleet.Board{Device: device, Name: device + " <row>", Site: "oak", State: fleet.Active, Joined: 1, Model: strings.Repeat("c", 64)}
		if _, err := d.Write().NewInsert().Model(&b).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if online {
			boards.Present(device, 1)
		}
	}
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	models, err := registry.Open(d, blobs, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := models.Push(t.Context(), bytes.NewReader(made(t)), "ana", "")
	if err != nil {
		t.Fatal(err)
	}
	r := &rolloutRig{db: d, bundle: v.Bundle}
	r.rollouts = rollout.New(rollout.Config{DB: d, Fleet: boards, Models: models, Sign: lets{}, Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	state := func() predict.State { return predict.State{} }
	pages := &Rollouts{Rollouts: r.rollouts, Registry: models, Fleet: boards, State: state}
	register := &Models{Registry: models, State: state, Rollouts: r.rollouts}
	bytes := deliver.New(deliver.Config{Library: deliver.NewLibrary(d, blobs), Now: time.Now})
	fleets := &Fleet{Fleet: boards, Records: d, Models: r.rollouts, Bytes: bytes, Erasing: erasing(0)}
	r.rig = newRig(t, pages.Section(), register.Section(), fleets.Section())
	pages.Console, register.Console, fleets.Console = r.console, r.console, r.console
	return r
}

func (r *rolloutRig) look(t *testing.T) {
	t.Helper()
	if err := r.rollouts.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// say is a board's report.
func (r *rolloutRig) say(t *testing.T, device, id string, u wire.UpdateState) {
	t.Helper()
	u.Rollout, u.Bundle, u.At = id, r.bundle, time.Now()
	err := r.db.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := r.rollouts.Report(ctx, tx, device, wire.State{Online: true, Update: &u, Model: &wire.ModelState{Bundle: r.bundle}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.look(t)
}

func TestRolloutIsStartedWatchedStoppedAndAborted(t *testing.T) {
	t.Parallel()
	r := newRolloutRig(t)
	r.add(t, "oscar", people.Operator)
	ana, oscar := r.in(t, "ana"), r.in(t, "oscar")
	has(t, ana.get("/rollouts"), "No rollout yet.", "A model of its own (cccccccccccc)", "3 boards")
	has(t, ana.get("/rollouts/new?version=1&reason=wet"), `value="wet"`, "Version 1: m", "north &lt;row&gt; · oak")
	if status, _, _ := oscar.post("/rollouts", "version", "1", "reason", "mine"); status != http.StatusForbidden {
		t.Errorf("an operator starts one: %d", status)
	}
	for _, wrong := range [][]string{
		{"version", "1", "reason", " ", "share", "100", "waves", "1"}, {"version", "7", "reason", "x", "share", "100", "waves", "1"},
		{"version", "1", "reason", "x", "share", "100", "waves", "all"}, {"version", "1", "reason", "x", "site", "elm", "share", "100", "waves", "1"},
	} {
		if status, body, _ := ana.post("/rollouts", wrong...); status != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%v: %d", wrong, status)
		}
	}
	status, _, at := ana.post("/rollouts", "version", "1", "reason", "the <wet> week", "share", "100", "waves", "2, 100%", "soak", "0", "failures", "0")
	if status != http.StatusSeeOther || !strings.HasPrefix(at, "/rollouts/one/") {
		t.Fatalf("%d to %q", status, at)
	}
	id := strings.TrimPrefix(at, "/rollouts/one/")
	r.look(t)
	has(t, ana.get(at), "Rollout 1 has begun.", "the &lt;wet&gt; week", "Waits for", "It has not answered yet.", "Its turn comes later", "hx-get=\"/parts/rollouts/"+id)
	r.say(t, "north", id, wire.UpdateState{Stage: wire.StageDownloading, DoneBytes: 43, TotalBytes: 100})
	has(t, ana.get("/parts/rollouts/"+id), "Downloads: 43")
	r.say(t, "north", id, wire.UpdateState{Stage: wire.StageCommitted, TotalBytes: 100, ReusedBytes: 90, Shadow: &wire.ShadowState{Frames: 40, Agree: 39}})
	has(t, ana.get("/fleet/board/north"), "Rollout 1", "Runs it", "Both models agreed on 39 of 40 frames.")
	r.say(t, "south", id, wire.UpdateState{Stage: wire.StageRefused, Step: wire.StepGolden, Why: "frame 2 <b>"})
	has(t, ana.get(at), "Stopped by itself", "It gave wrong answers in its self-test.", "frame 2 &lt;b&gt;", "Resume")
	has(t, ana.get("/rollouts"), "Stopped by itself", "1 of 3 boards run it")
	if status, body, _ := ana.post(at + "/resume"); status != http.StatusOK || !strings.Contains(body, "Go on with Rollout 1") {
		t.Errorf("resuming is not asked about: %d\n%s", status, body)
	}
	hasNot(t, oscar.get(at), "Abort", "Resume")
	ana.post(at+"/resume", "confirmed", "yes")
	r.look(t)
	has(t, ana.get(at), "Not seen since.", "Done", "Go back to the models before")
	if status, body, _ := ana.post(at+"/abort", "reason", "it sees mud"); status != http.StatusOK || !strings.Contains(body, "Running it now: 1 board. They go back") {
		t.Errorf("aborting is not asked about: %d\n%s", status, body)
	}
	ana.post(at+"/abort", "reason", "it sees mud", "revert", "yes", "confirmed", "yes")
	has(t, ana.get(at), "Aborted", "it sees mud", "Goes back to the model before")
	hasNot(t, ana.get(at), "hx-get")
	if status, _, _ := ana.do(http.MethodGet, "/rollouts/one/none", nil); status != http.StatusNotFound {
		t.Errorf("a rollout that is not there: %d", status)
	}
}

func TestPromotionMayStartARollout(t *testing.T) {
	t.Parallel()
	r := newRolloutRig(t)
	ana := r.in(t, "ana")
	if _, _, at := ana.post("/models/1/champion", "revision", "0", "reason", "first", "boards", "choose"); !strings.HasPrefix(at, "/rollouts/new?") {
		t.Errorf("choosing boards leads to %q", at)
	}
	if _, _, at := ana.post("/models/1/champion", "revision", "1", "reason", "again"); at != "/models" {
		t.Errorf("without boards it leads to %q", at)
	}
	_, _, at := ana.post("/models/1/champion", "revision", "2", "reason", "to all", "boards", "all")
	if !strings.HasPrefix(at, "/rollouts/one/") {
		t.Fatalf("to all boards leads to %q", at)
	}
	has(t, ana.get(at), "to all", "is the champion, and rollout 1 has begun.")
}

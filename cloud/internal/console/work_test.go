package console

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/work"
)

func workRig(t *testing.T) *rig {
	t.Helper()
	items := []work.Item{
		{Key: "labels.queue", Kind: work.Label, Text: "hub.work.label_queue", Count: 1200, Since: time.Now().Add(-time.Hour), Path: "/label", Least: people.Labeller},
		{Key: "model:2", Kind: work.Decision, Text: "hub.work.model", Count: 1, Path: "/models", Least: people.Admin,
			Args: map[string]string{"number": "2", "name": "<b>", "who": "otto"}},
		{Key: "health.disk_full:", Kind: work.Alarm, Text: "hub.health.disk_full", Count: 1, Args: map[string]string{"free": "1 GB"}, Path: "/health", Least: people.Operator},
		{Key: "import:1", Kind: work.Import, Text: "hub.work.import", Count: 1, Path: "/samples", Least: people.Operator,
			Args: map[string]string{"name": "set.zip", "who": "otto", "taken": "3 / 6", "refused": "blurred 2, of_a_newer_hub 1"}},
		{Key: "health.new", Kind: work.Alarm, Text: "hub.health.of_a_newer_part", Count: 1, Path: "/health", Least: people.Operator},
	}
	desk := work.New(dbtest.SQLite(t), map[string]work.Source{
		"labels": work.SourceFunc(func(context.Context) ([]work.Item, error) { return items, nil }),
		"boards": work.SourceFunc(func(context.Context) ([]work.Item, error) { return nil, context.DeadlineExceeded }),
	}, slog.New(slog.DiscardHandler))
	page := &Work{Desk: desk}
	r := newRig(t, page.Section())
	page.Console, page.People = r.console, r.people
	r.add(t, "lola", people.Labeller)
	r.add(t, "vera", people.Viewer)
	return r
}

func TestWorkIsTakenGivenPutOffAndBroughtBack(t *testing.T) {
	t.Parallel()
	r := workRig(t)
	ana, lola := r.in(t, "ana"), r.in(t, "lola")
	has(t, ana.get("/work"), "1,200 pictures wait for a label", "&lt;b&gt;", "for admins", "nobody has taken it on", "in “boards” can’t be said")
	has(t, ana.get("/work?kind=import"), "2 × ", "1 × of_a_newer_hub")
	hasNot(t, ana.get("/work?kind=import"), "blurred 2")
	has(t, ana.get("/"), "1,200 pictures wait for a label", "/work")
	hasNot(t, lola.get("/"), "Model version 2")
	do := func(o *reader, status int, pairs ...string) {
		t.Helper()
		if got, body, _ := o.post("/work", append(pairs, "query", "owner=mine")...); got != status {
			t.Errorf("%v: %d\n%s", pairs, got, body)
		}
	}
	do(lola, http.StatusSeeOther, "item", "labels.queue", "version", "0", "do", "take")
	has(t, lola.get("/work?owner=mine"), "You have taken it on", "taken on by lola", "Undo my last step")
	has(t, lola.get("/"), "yours")
	do(ana, http.StatusSeeOther, "item", "labels.queue", "version", "0", "do", "take") // she saw nobody
	has(t, ana.get("/work"), "Somebody else did something", "taken on by lola")
	do(lola, http.StatusForbidden, "item", "model:2", "version", "0", "do", "done")
	do(r.in(t, "vera"), http.StatusForbidden, "item", "labels.queue", "version", "1", "do", "take")
	do(ana, http.StatusSeeOther, "item", "model:2", "version", "0", "do", "note", "note", "after the <harvest>")
	has(t, ana.get("/work"), "after the &lt;harvest&gt;")
	do(ana, http.StatusSeeOther, "item", "model:2", "version", "1", "do", "snooze_week")
	hasNot(t, ana.get("/work"), "Model version 2")
	has(t, ana.get("/work?owner=hidden"), "Model version 2", "put off until", "Bring it back")
	do(ana, http.StatusSeeOther, "item", "model:2", "version", "2", "do", "undo")
	has(t, ana.get("/work?kind=decision"), "Model version 2")
	hasNot(t, ana.get("/work?kind=decision"), "pictures wait")
	do(ana, http.StatusSeeOther, "item", "gone", "version", "0", "do", "done")
	has(t, ana.get("/work?owner=mine"), "does not wait any more", "You have taken nothing on")
	for _, wrong := range []string{"burn", "snooze", ""} {
		do(ana, http.StatusNotFound, "item", "model:2", "version", "3", "do", wrong)
	}
	do(ana, http.StatusSeeOther, "item", "model:2", "version", "3", "do", "assign", "to", "nobody")
	has(t, ana.get("/work"), "This person can’t be given work")
	otto := r.add(t, "otto", people.Admin)
	do(ana, http.StatusSeeOther, "item", "model:2", "version", "3", "do", "assign", "to", otto.ID)
	has(t, r.in(t, "otto").get("/work?owner=mine"), "Model version 2", "ana gave it to otto")
}

func TestEveryKindOfWorkHasWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for lang, v := range r.console.voices {
		for _, kind := range work.Kinds() {
			if !v.Has("hub.work.kind." + string(kind)) {
				t.Errorf("%s: %s", lang, kind)
			}
		}
		for _, what := range []string{work.DidTake, work.DidAssign, work.DidRelease, work.DidDone, work.DidSnooze, work.DidOpen, work.DidNote, work.DidUndo} {
			if !v.Has("hub.work.said."+what) || !v.Has("hub.did.work."+what) || what != work.DidUndo && !v.Has("hub.work.did."+what) {
				t.Errorf("%s: %s", lang, what)
			}
		}
		for _, role := range people.Roles() {
			if !v.Has("hub.work.by_" + string(role)) {
				t.Errorf("%s: %s", lang, role)
			}
		}
		for _, owner := range []string{"all", ofMine, ofNobody, ofHidden} {
			if !v.Has("hub.work.owner_"+owner) || !v.Has("hub.work.empty_"+owner) {
				t.Errorf("%s: %s", lang, owner)
			}
		}
	}
}

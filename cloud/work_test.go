package cloud

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/cloud/internal/work"
	"gourdian/internal/wire"
)

// waits asks a source.
func waits(t *testing.T, source func(ctx context.Context) ([]work.Item, error)) []work.Item {
	t.Helper()
	items, err := source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// TestWhatWaitsIsFoundInThePartsAndGoesWithIt: nothing of it is kept elsewhere.
func TestWhatWaitsIsFoundInThePartsAndGoesWithIt(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	setUp(t, h, out)
	for name, source := range map[string]func(context.Context) ([]work.Item, error){
		"labels": h.waitingLabels, "pictures": h.waitingPictures, "imports": h.waitingImports, "models": h.waitingModels, "boards": h.waitingBoards,
		"certificates": h.waitingCertificates,
	} {
		if items := waits(t, source); len(items) != 0 {
			t.Errorf("%s of an empty hub: %+v", name, items)
		}
	}
	old := time.Now().Add(-time.Hour).UnixMicro()
	for i := range 3 {
		row := sample.Sample{Hash: fmt.Sprintf("%064d", i), Source: sample.FromVisitor, State: sample.Kept, Checked: i > 0, ReceivedAt: old + int64(i)}
		if _, err := h.db.Write().NewInsert().Model(&row).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	one := fmt.Sprintf("%064d", 1)
	for i, who := range []string{"ana", "ben"} {
		if err := h.pictures.labels.Set(t.Context(), one, []wire.Verdict{wire.Good, wire.Bad}[i], int64(i), who); err != nil {
			t.Fatal(err)
		}
	}
	labels := waits(t, h.waitingLabels)
	if len(labels) != 2 || labels[0].Count != 1 || labels[0].Since.UnixMicro() != old+2 || labels[1].Kind != work.Doubt || labels[1].Count != 1 {
		t.Errorf("%+v", labels)
	}
	if pictures := waits(t, h.waitingPictures); len(pictures) != 2 || pictures[0].Count != 2 || pictures[1].Key != "pictures.unchecked" || pictures[1].Count != 1 {
		t.Errorf("%+v", pictures)
	}
	for name, detail := range map[string]string{"well.zip": "3 / 3", "set.zip": "1 / 4, blurred 2, broken 1"} {
		if err := h.audit.Write(t.Context(), "ana", "sample.import", name, detail); err != nil {
			t.Fatal(err)
		}
	}
	if imports := waits(t, h.waitingImports); len(imports) != 1 || imports[0].Args["refused"] != "blurred 2, broken 1" || imports[0].Args["name"] != "set.zip" {
		t.Errorf("%+v", imports)
	}
	if _, err := h.pictures.samples.DeleteMany(t.Context(), []sample.Pick{{Hash: one}}); err != nil {
		t.Fatal(err)
	}
	if labels := waits(t, h.waitingLabels); len(labels) != 1 {
		t.Errorf("a deleted picture is disputed: %+v", labels)
	}
}

func TestBoardsThatNeedSomebodyAreWorkAndHealthSaysThemNotTwice(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	setUp(t, h, out)
	for i := range 5 {
		b := fleet.Board{
			Device: fmt.Sprint("b", i), Name: fmt.Sprint("board ", i), State: fleet.Active, Agent: "test", Until: time.Now().Add(time.Hour).UnixMicro(), Site: "north",
		}
		if i > 0 {
			b.Until, b.Agent = time.Now().AddDate(1, 0, 0).UnixMicro(), "older"
		}
		if _, err := h.db.Write().NewInsert().Model(&b).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	items := waits(t, h.waitingBoards)
	at := slices.IndexFunc(items, func(i work.Item) bool { return i.Key == "board.certificate:b0" })
	if at < 0 || items[at].Path != "/fleet/board/b0" || items[at].Least != people.Operator {
		t.Errorf("%+v", items)
	}
	at = slices.IndexFunc(items, func(i work.Item) bool { return i.Key == "boards.outdated" })
	if at < 0 || items[at].Count != 4 || !strings.HasSuffix(items[at].Args["boards"], "…") {
		t.Errorf("%+v", items)
	}
	sick := &Hub{health: health.New(map[string]health.Check{"test": func(context.Context) []health.Condition {
		return []health.Condition{
			{Code: "board_silent", Severity: health.Warning, Subject: "b1", Args: map[string]string{"name": "b"}},
			{Code: "disk_filling", Severity: health.Warning, Args: map[string]string{"free": "1 GB"}},
			{Code: "check_slow", Severity: health.Note, Args: map[string]string{"part": "x"}},
		}
	}})}
	sick.health.Look(t.Context())
	var found []string
	for _, item := range waits(t, sick.waitingHealth) {
		found = append(found, item.Key)
	}
	if !slices.Equal(found, []string{"health.disk_filling:"}) {
		t.Errorf("%v", found)
	}
}

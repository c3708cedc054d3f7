package console

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// idle is a hub on which no model answers.
type idle struct{}

func (idle) State() predict.State { return predict.State{} }

func (idle) Reserve(int) (func(), error) { return nil, predict.ErrNoModel }

func (idle) Predict(context.Context, [][]byte) ([]predict.Result, predict.Model, error) {
	return nil, predict.Model{}, predict.ErrNoModel
}

func (idle) Embed(context.Context, vision.Tensor) ([]float32, predict.Model, error) {
	return nil, predict.Model{}, predict.ErrNoModel
}

// training is a console with pictures of three visits, none of which has a label.
func training(t *testing.T) (r *rig, hashes []string, labels *label.Store) {
	t.Helper()
	d := dbtest.SQLite(t)
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err := sample.Open(sample.Config{Dir: t.TempDir(), Limits: sample.Limits{Quota: 1 << 20, PerBoard: 10}.Always(), Log: log}, d, blobs, noise{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		origin := "set/visit" + string(rune('1'+i/4)) + "/x.jpg"
		hash, fault, err := store.Add(t.Context(), sample.Given{Source: sample.FromImport, Origin: origin, Site: "<north>", Data: []byte{byte(i + 1)}})
		if err != nil || fault != sample.Sound {
			t.Fatalf("%q, %v", fault, err)
		}
		hashes = append(hashes, hash)
	}
	labels = label.New(d)
	sets := dataset.New(d, blobs, store, func() dataset.Settings {
		return dataset.Settings{GoldenPercent: 20, LeastPictures: 3, LeastGroups: 3}
	})
	pages := &Datasets{
		Sets: sets, Samples: store, Doubts: dataset.NewDoubts(sets, idle{}, nil, log),
		Features: feature.New(d, store, noise{}, idle{}, nil, log),
	}
	r = newRig(t, pages.Section())
	pages.Console = r.console
	r.add(t, "olga", people.Operator)
	r.add(t, "vera", people.Viewer)
	return r, hashes, labels
}

func say(t *testing.T, labels *label.Store, hash string, name wire.Verdict, version int64, who string) {
	t.Helper()
	if err := labels.Set(t.Context(), hash, name, version, who); err != nil {
		t.Fatal(err)
	}
}

func TestTooLittleDataIsSaidInWordsOnTheTaskCard(t *testing.T) {
	t.Parallel()
	r, hashes, labels := training(t)
	olga := r.in(t, "olga")
	has(t, olga.get("/task"), "There is too little data", "Bad: 0 pictures of 0\u00a0visits; at least 3 of 3 are needed.", "No picture has this label yet.", "No model answers yet")
	if _, _, to := olga.post("/datasets"); to != "/datasets" {
		t.Errorf("it leads to %s", to)
	}
	has(t, olga.get("/datasets"), "No data set was made", "No data set yet")
	for i, class := range []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin} {
		for visit := range 3 {
			say(t, labels, hashes[4*visit+i], class, 0, "ana")
		}
	}
	body := olga.get("/task")
	hasNot(t, body, "at least 3", "<north>")
	has(t, body, "&lt;north&gt;", "in the last 7 days", "/samples/"+hashes[0])
}

func TestDataSetIsMadeShownComparedAndNeverChanged(t *testing.T) {
	t.Parallel()
	r, hashes, labels := training(t)
	for i, hash := range hashes[:6] {
		say(t, labels, hash, []wire.Verdict{wire.Good, wire.Bad}[i%2], 0, "ana")
	}
	olga, vera := r.in(t, "olga"), r.in(t, "vera")
	if status, _, to := olga.post("/datasets"); status != http.StatusSeeOther || to != "/datasets/1" {
		t.Fatal(status, to)
	}
	has(t, olga.get("/datasets/1"), "Data set 1 is made", "Nobody has used them yet", "archive.zip", "It does not suffice")
	if _, _, to := olga.post("/datasets"); to != "/datasets/1" {
		t.Errorf("nothing changed, and it leads to %s", to)
	}
	has(t, olga.get("/datasets/1"), "Nothing changed since data set 1")
	say(t, labels, hashes[0], wire.Bad, 1, "ben") // now people disagree
	say(t, labels, hashes[1], wire.Regular, 1, "ana")
	say(t, labels, hashes[6], wire.Good, 0, "ana")
	if _, _, to := olga.post("/datasets"); to != "/datasets/2" {
		t.Fatalf("it leads to %s", to)
	}
	has(t, vera.get("/datasets/2"), "People disagree", "Show what changed")
	hasNot(t, vera.get("/datasets/2"), "archive.zip")
	has(t, vera.get("/datasets/2/changes?since=1"), "1 picture was added", "1 picture was removed", "1 picture has another class")
	has(t, vera.get("/datasets/1/changes?since=1"), "are the same")
	has(t, vera.get("/datasets"), "/datasets/1", "/datasets/2", "1 left out")
	hasNot(t, vera.get("/datasets"), "Make a data set now")
	has(t, vera.get("/task/doubtful"), "People disagree", "/samples/"+hashes[0])
	if status, _, _ := vera.post("/datasets"); status != http.StatusForbidden {
		t.Errorf("a viewer makes data sets: %d", status)
	}
	for _, path := range []string{"/datasets/3", "/datasets/x", "/datasets/2/changes", "/datasets/2/changes?since=9"} {
		if status, body, _ := vera.do(http.MethodGet, path, nil); status != http.StatusNotFound || strings.Contains(body, "internal") {
			t.Errorf("%s: %d", path, status)
		}
	}
}

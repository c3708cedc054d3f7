package console

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/vision"
)

// noise makes of each file another sharp picture, as a decoder would.
type noise struct{}

func (noise) Prepare(_ context.Context, file []byte) (vision.Tensor, int, int, error) {
	if len(file) == 0 {
		return nil, 0, 0, errors.New("the worker is down")
	}
	r := rand.New(rand.NewPCG(uint64(file[0]), 1))
	var blocks [16][16]byte
	for y := range blocks {
		for x := range blocks[y] {
			blocks[y][x] = byte(r.Uint32())
		}
	}
	t := make(vision.Tensor, vision.TensorLen)
	for i := range t {
		pixel := i / 3
		t[i] = blocks[pixel/vision.Size/14][pixel%vision.Size/14]
	}
	return t, 640, 480, nil
}

// pictures is a console with so many pictures; r.in logs people in.
func pictures(t *testing.T, n int) (r *rig, hashes []string, store *sample.Store) {
	t.Helper()
	d := dbtest.SQLite(t)
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	store, err = sample.Open(sample.Config{Dir: t.TempDir(), Limits: sample.Limits{Quota: 1 << 20, PerBoard: 10}.Always(), Log: log}, d, blobs, noise{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		hash, fault, err := store.Add(t.Context(), sample.Given{Source: sample.FromImport, Origin: "set/<b>.jpg", Site: "north", Data: []byte{byte(i + 1)}})
		if err != nil || fault != sample.Sound {
			t.Fatalf("%q, %v", fault, err)
		}
		hashes = append(hashes, hash)
	}
	labels := label.New(d)
	samples := &Samples{Samples: store, Labels: labels, Import: api.NewSamples(store, labels, nil, people.NewAudit(d), t.TempDir(), log)}
	labelling := &Labelling{Samples: store, Labels: labels, Enough: func() int { return 30 }}
	r = newRig(t, samples.Section(), labelling.Section())
	samples.Console, labelling.Console = r.console, r.console
	return r, hashes, store
}

func TestPictureIsShownFilteredAndDeletedEverywhere(t *testing.T) {
	t.Parallel()
	r, hashes, store := pictures(t, 2)
	r.add(t, "lola", people.Labeller)
	ana := r.in(t, "ana")
	has(t, ana.get("/samples"), hashes[0], hashes[1])
	hasNot(t, ana.get("/samples?site=south"), hashes[0], hashes[1])
	one := "/samples/" + hashes[0]
	page := ana.get(one)
	has(t, page, "north")
	hasNot(t, page, "<b>.jpg")
	if status, _, _ := ana.do(http.MethodGet, "/samples/"+strings.Repeat("0", 64), nil); status != http.StatusNotFound {
		t.Errorf("a picture that is not there: %d", status)
	}
	if status, _, _ := r.in(t, "lola").post(one+"/delete", "confirmed", "yes"); status != http.StatusForbidden {
		t.Errorf("a labeller deletes: %d", status)
	}
	if status, _, _ := ana.post(one + "/delete"); status != http.StatusOK {
		t.Errorf("it does not ask first: %d", status)
	}
	if _, err := store.Picture(t.Context(), hashes[0]); err != nil {
		t.Errorf("deleted without a yes: %v", err)
	}
	if status, _, to := ana.post(one+"/delete", "confirmed", "yes"); status != http.StatusSeeOther || to != "/samples" {
		t.Errorf("%d to %q", status, to)
	}
	if _, err := store.Picture(t.Context(), hashes[0]); !errors.Is(err, sample.ErrNotFound) {
		t.Errorf("its bytes are still there: %v", err)
	}
	hasNot(t, ana.get("/samples"), hashes[0])
	if lines, err := r.audit.List(t.Context(), 0, "", 1); err != nil || len(lines) != 1 || lines[0].Action != "sample.delete" || lines[0].Who != "ana" {
		t.Errorf("the log of changes has %+v, %v", lines, err)
	}
}

func TestTwoWhoLabelNeverOverwriteEachOther(t *testing.T) {
	t.Parallel()
	r, hashes, store := pictures(t, 2)
	r.add(t, "lola", people.Labeller)
	r.add(t, "vera", people.Viewer)
	ana, lola := r.in(t, "ana"), r.in(t, "lola")
	if status, _, _ := r.in(t, "vera").do(http.MethodGet, "/label", nil); status != http.StatusForbidden {
		t.Errorf("a viewer labels: %d", status)
	}
	// The picture that is shown stands first; others are loaded ahead.
	shown := func(page string) string {
		first, at := "", len(page)
		for _, hash := range hashes {
			if i := strings.Index(page, `name="hash" value="`+hash); i >= 0 && i < at {
				first, at = hash, i
			}
		}
		return first
	}
	hers := shown(ana.get("/label"))
	if hers == "" {
		t.Fatal("nothing to label")
	}
	if other := shown(lola.get("/label")); other == hers {
		t.Errorf("two people have %s", hers)
	}
	set := func(who *reader, verdict, version string) {
		t.Helper()
		if status, body, to := who.post("/label", "hash", hers, "label", verdict, "version", version, "query", "site=north"); status != http.StatusSeeOther || to != "/label?site=north" {
			t.Errorf("%d to %q\n%s", status, to, body)
		}
	}
	labelled := func(want, by string) {
		t.Helper()
		if one, err := store.Get(t.Context(), hers); err != nil || one.Label != want || one.LabelledBy != by {
			t.Errorf("%q by %q, %v; expected is %q by %q", one.Label, one.LabelledBy, err, want, by)
		}
	}
	set(ana, "good", "0")
	labelled("good", "ana")
	set(lola, "bad", "0") // she saw it without a label
	labelled("good", "ana")
	set(lola, "bad", "x")
	labelled("good", "ana")
	set(lola, "pumpkin", "1")
	labelled("good", "ana")
	if status, _, to := ana.post("/label/undo"); status != http.StatusSeeOther || to != "/label" {
		t.Errorf("%d to %q", status, to)
	}
	if one, err := store.Get(t.Context(), hers); err != nil || one.Label != "" {
		t.Errorf("taken back, it is %q, %v", one.Label, err)
	}
	if status, _, to := ana.post("/label/leave"); status != http.StatusSeeOther || to != "/" {
		t.Errorf("%d to %q", status, to)
	}
}

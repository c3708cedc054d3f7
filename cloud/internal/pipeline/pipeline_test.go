package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/bundle"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
	"gourdian/models/backbone"
	models "gourdian/models/dataset"
	"gourdian/models/evaluate"
	"gourdian/models/gate"
	"gourdian/models/train"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// album gives the bytes of every picture: its name.
type album struct {
	mu   sync.Mutex
	gone string
}

func (a *album) Picture(_ context.Context, hash string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if hash == a.gone {
		return nil, sample.ErrNotFound
	}
	return []byte(hash), nil
}

// maker makes bundles that know their C, in no time. A model is right about the
// share of the pictures that its C says: C=0.9 about nine of ten.
type maker struct {
	mu    sync.Mutex
	calls []string
	at    int // call at which interrupt is called once, 0 = at none
	cut   func()
}

func (m *maker) call(what string, o Order) ([]models.Entry, error) {
	m.mu.Lock()
	m.calls = append(m.calls, what)
	if len(m.calls) == m.at {
		m.cut()
	}
	m.mu.Unlock()
	set, err := models.Open(o.Data, nil)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	o.Progress("look at pictures", 1)()
	return set.Entries, nil
}

func (m *maker) count(what string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		if c == what {
			n++
		}
	}
	return n
}

func (m *maker) Embed(ctx context.Context, o Order) (train.Embedded, error) {
	entries, err := m.call("embed", o)
	if err == nil {
		err = ctx.Err()
	}
	return train.Embedded{Images: len(entries), Digest: fmt.Sprint(len(entries))}, err
}

func (m *maker) Train(ctx context.Context, o Order) ([]byte, *train.Report, error) {
	entries, err := m.call("train", o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, nil, err
	}
	c := 0.5
	if len(o.C) > 0 {
		c = o.C[0]
	}
	references, err := verdict.Quantise([][]float32{{1, 0}}, 1)
	if err != nil {
		return nil, nil, err
	}
	manifest := bundle.Manifest{
		Task: bundle.TaskGrade, Name: fmt.Sprint(c), Preprocess: vision.PreprocessID(), Backbone: "tiny 1",
		Golden:     []bundle.Golden{{Tensor: "golden.rgb", Expected: map[string][]float32{}}},
		Provenance: bundle.Provenance{Kind: bundle.KindPhotos, Images: len(entries), Groups: 1, Classes: map[string]int{"good": len(entries)}, Sources: []string{"a hub"}},
		Trained:    "trained.sha256",
	}
	for _, class := range []string{"good", "regular", "bad", "not_pumpkin"} {
		manifest.Classes = append(manifest.Classes, bundle.Class{Name: class, Labels: map[string]string{"en": class, "es": class}})
	}
	for _, v := range o.Variants {
		manifest.Variants = append(manifest.Variants, bundle.Variant{Name: v, Graph: "graph.onnx", Temperature: 1, Thresholds: []float64{.5, .5, .5, .5},
			References: "references.bin", Neighbours: 1, Novelty: 1, Tolerance: map[string]float64{"any": 0.1}})
		manifest.Golden[0].Expected[v] = []float32{1, 0, 0, 0}
	}
	var out bytes.Buffer
	id, err := bundle.Build(&out, manifest, map[string][]byte{
		"graph.onnx": []byte("a graph"), "references.bin": bundle.EncodeReferences(references),
		"golden.rgb": make([]byte, vision.TensorLen), "trained.sha256": bundle.EncodeHashes([][sha256.Size]byte{{1}}),
	})
	return out.Bytes(), &train.Report{Bundle: id, C: c, Figures: evaluate.Figures{BalancedAccuracy: &c}}, err
}

func (m *maker) Evaluate(ctx context.Context, file, variant string, o Order) (*evaluate.Report, error) {
	entries, err := m.call("evaluate", o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	b, err := bundle.Open(file)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	var share float64
	if _, err := fmt.Sscan(b.Manifest.Name, &share); err != nil {
		return nil, err
	}
	r := &evaluate.Report{Bundle: b.ID, Variant: variant}
	for i, e := range entries {
		said := e.Class
		if float64(i%10) >= 10*share {
			said = "regular"
		}
		r.All = append(r.All, evaluate.Prediction{File: e.File, Group: i, Class: e.Class, Predicted: said})
	}
	return r, nil
}

// rig is a pipeline on labels of so many days.
type rig struct {
	*Pipeline
	maker *maker
	album *album
	dirs  [2]string
}

func newRig(t *testing.T, d *db.DB, dirs [2]string) *rig {
	t.Helper()
	blobs, err := blob.Open(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{maker: &maker{}, album: &album{}, dirs: dirs}
	data := dataset.New(d, blobs, r.album, func() dataset.Settings {
		return dataset.Settings{GoldenPercent: 20, LeastPictures: 5, LeastGroups: 3}
	})
	g, err := registry.Open(d, blobs, filepath.Join(t.TempDir(), "registry"))
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := job.New(job.Config{Beat: 20 * time.Millisecond}, d)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Dir: dirs[1], Version: "1.0", Maker: r.maker, Log: slog.New(slog.DiscardHandler)}
	if r.Pipeline, err = New(config, d, blobs, data, r.album, g, jobs); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) work(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.jobs.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// farm labels pictures of every class on so many days.
func farm(t *testing.T, d *db.DB, days int) {
	t.Helper()
	labels := label.New(d)
	for day := range days {
		for i, class := range []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin} {
			at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, day).UnixMicro()
			one := sample.Sample{
				Hash: fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d %d", day, i))), Source: sample.FromBoard, Device: fmt.Sprintf("board-%d", i),
				Camera: "cam", Site: "north", State: sample.Kept, Checked: true, CapturedAt: at, ReceivedAt: at, Fingerprint: int64(day*7919+i*104729) << 20,
			}
			if _, err := d.Write().NewInsert().Model(&one).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := labels.Set(t.Context(), one.Hash, class, 0, "ana"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func spec(c ...float64) Spec {
	s := Default()
	s.Candidates, s.Variants = Candidates(c), []string{backbone.FP32, backbone.INT8}
	return s
}

func (r *rig) ends(t *testing.T, s Spec) (Run, Gate) {
	t.Helper()
	one, err := r.Start(t.Context(), s, "ana")
	if err != nil {
		t.Fatal(err)
	}
	return r.wait(t, one)
}

func (r *rig) wait(t *testing.T, one Run) (Run, Gate) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	j, err := r.jobs.Wait(ctx, one.Job)
	if err != nil || j.State != job.Done {
		t.Fatalf("%s: %s, %v", j.State, j.Error, err)
	}
	var g Gate
	if one, err = r.Get(ctx, one.Number); err == nil {
		err = r.Read(ctx, one.Gate, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return one, g
}

func dirs(t *testing.T) [2]string {
	return [2]string{filepath.Join(t.TempDir(), "blobs"), filepath.Join(t.TempDir(), "scratch")}
}

func TestEveryCandidateIsRegisteredAndTheBestOneMeetsTheChampion(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		farm(t, d, 60)
		r := newRig(t, d, dirs(t))
		r.work(t)
		one, g := r.ends(t, spec(0.3, 0.7))
		if g.Outcome != First || one.EndedAt == 0 {
			t.Errorf("without a champion: %+v", g)
		}
		made, err := r.Models(t.Context(), one.Number)
		if err != nil || len(made) != 3 {
			t.Fatalf("%+v, %v", made, err)
		}
		best, err := r.registry.Version(t.Context(), one.Chosen)
		if err != nil || best.Facts.Name != "0.7" || best.Bundle != g.Candidate {
			t.Errorf("chosen %+v, %v", best, err)
		}
		steps, err := r.Steps(t.Context(), one.Number)
		var names []string
		for _, s := range steps {
			if names = append(names, s.Name); s.Artefact == "" || s.Reused {
				t.Errorf("%+v", s)
			}
		}
		if err != nil || !slices.Equal(slices.Compact(names), StepNames()) || len(steps) != 2+3+3*2+3+1 {
			t.Errorf("%v, %v", names, err)
		}
		move := func(to int64) {
			t.Helper()
			now, err := r.registry.Alias(t.Context())
			if err == nil {
				_, err = r.registry.Move(t.Context(), to, now.Revision, "ana", "test")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		weak := made[slices.IndexFunc(made, func(m Model) bool { return m.Candidate == "C=0.3" })].Version
		move(weak)
		trained := r.maker.count("train")
		if _, g = r.ends(t, spec(0.3, 0.7)); g.Outcome != gate.Promote || g.Main != backbone.FP32 || len(g.Variants) != 2 || g.Variants[g.Main].Losses != 0 {
			t.Errorf("0.7 beside the champion 0.3: %+v", g)
		}
		if n := r.maker.count("train"); n != trained {
			t.Errorf("the same candidates were trained again: %d, then %d", trained, n)
		}
		move(one.Chosen)
		if _, g = r.ends(t, spec(0.7)); g.Outcome != gate.Undecided || g.Champion != g.Candidate {
			t.Errorf("the champion beside itself: %+v", g)
		}
		s := spec(0.3)
		s.Candidates = s.Candidates[1:]
		if _, g = r.ends(t, s); g.Outcome != gate.Reject {
			t.Errorf("0.3 beside the champion 0.7: %+v", g)
		}
		if uses, err := r.data.Uses(t.Context(), one.Manifest, 10); err != nil || len(uses) != 1 {
			t.Errorf("the ledger has %+v, %v: only the first run had to look", uses, err)
		}
		if left, err := os.ReadDir(r.dirs[1]); err != nil || len(left) != 0 {
			t.Errorf("scratch holds %v, %v", left, err)
		}
	})
}

// TestRunThatIsCutOffAnywhereMakesTheSameModels stops the hub at each call of the
// maker, and lets another one go on.
func TestRunThatIsCutOffAnywhereMakesTheSameModels(t *testing.T) {
	t.Parallel()
	bundles := func(t *testing.T, r *rig, run int64) (out []string) {
		t.Helper()
		made, err := r.Models(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made {
			v, err := r.registry.Version(t.Context(), m.Version)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, m.Candidate+" "+v.Bundle)
		}
		return out
	}
	whole := newRig(t, dbtest.SQLite(t), dirs(t))
	farm(t, whole.db, 20)
	whole.work(t)
	one, g := whole.ends(t, spec(0.7))
	want, calls := bundles(t, whole, one.Number), len(whole.maker.calls)
	if len(want) != 2 || calls != 1+2+4 {
		t.Fatalf("%v in %d calls", want, calls)
	}
	for at := range calls {
		t.Run(fmt.Sprint(at+1), func(t *testing.T) {
			t.Parallel()
			d := dbtest.SQLite(t)
			farm(t, d, 20)
			r := newRig(t, d, dirs(t))
			stop := r.work(t)
			cut := make(chan struct{})
			r.maker.at, r.maker.cut = at+1, func() {
				go func() { stop(); close(cut) }()
			}
			began, err := r.Start(t.Context(), spec(0.7), "ana")
			if err != nil {
				t.Fatal(err)
			}
			<-cut
			next := newRig(t, d, r.dirs)
			next.work(t)
			ended, gate := next.wait(t, began)
			if got := bundles(t, next, ended.Number); !slices.Equal(got, want) || gate.Candidate != g.Candidate || gate.Outcome != g.Outcome {
				t.Errorf("%v, %+v", got, gate)
			}
			steps, err := next.Steps(t.Context(), ended.Number)
			if err != nil || len(steps) != 1+1+2+4+2+1 {
				t.Errorf("%d steps, %v", len(steps), err)
			}
		})
	}
}

func TestTooFewLabelsBlockARunWithReasons(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	farm(t, d, 2)
	r := newRig(t, d, dirs(t))
	_, err := r.Start(t.Context(), spec(), "ana")
	var lacks *LacksError
	if !errors.As(err, &lacks) || len(lacks.Reasons) != 4 || lacks.Reasons[0].Code != dataset.Few {
		t.Errorf("%v", err)
	}
	if n, err := r.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d runs, %v", n, err)
	}
}

func TestDeletedPictureIsNotLearntFrom(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	farm(t, d, 20)
	r := newRig(t, d, dirs(t))
	r.work(t)
	one, _ := r.ends(t, spec())
	m, err := r.data.Open(t.Context(), one.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	learning := m.Learning()
	r.album.mu.Lock()
	r.album.gone = learning[3].Image // its label stays known to the data set
	r.album.mu.Unlock()
	again, _ := r.ends(t, spec())
	version, err := r.registry.Version(t.Context(), again.Chosen)
	if err != nil || again.Manifest != one.Manifest || version.Facts.Provenance.Images != len(learning)-1 {
		t.Errorf("learnt from %d of %d, %v", version.Facts.Provenance.Images, len(learning), err)
	}
}

func TestRunThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *Spec){
		"no candidate": func(s *Spec) { s.Candidates = nil }, "two of a name": func(s *Spec) { s.Candidates = Candidates([]float64{1, 1}) },
		"a penalty of nothing": func(s *Spec) { s.Candidates = Candidates([]float64{0}) }, "a falling grid": func(s *Spec) { s.Candidates[0].C = []float64{2, 1} },
		"no variant": func(s *Spec) { s.Variants = nil }, "unknown pictures": func(s *Spec) { s.Pictures = "paintings" },
	} {
		s := Default()
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if change(&s); !errors.Is(s.Check(), ErrSpec) {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestRunWithoutItsJobIsOrderedAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	farm(t, d, 20)
	r := newRig(t, d, dirs(t))
	one, err := r.Start(t.Context(), spec(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"UPDATE runs SET job = 0", "DELETE FROM jobs"} {
		if _, err := d.Write().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	next := newRig(t, d, r.dirs)
	if err := next.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.work(t)
	if one, err = next.Get(t.Context(), one.Number); err != nil || one.Job == 0 {
		t.Fatalf("%+v, %v", one, err)
	}
	if _, g := next.wait(t, one); !strings.HasPrefix(string(g.Outcome), "first") {
		t.Errorf("%+v", g)
	}
}

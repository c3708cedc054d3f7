package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/pipeline"
	"gourdian/cloud/internal/pipeline/pipelinetest"
	"gourdian/cloud/internal/registry"
	"gourdian/models/backbone"
	"gourdian/models/gate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a pipeline on labels of so many days.
type rig struct {
	*pipeline.Pipeline
	maker    *pipelinetest.Maker
	album    *pipelinetest.Album
	data     *dataset.Store
	registry *registry.Registry
	jobs     *job.Jobs
	dirs     [2]string
}

func newRig(t *testing.T, d *db.DB, dirs [2]string) *rig {
	t.Helper()
	blobs, err := blob.Open(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{maker: &pipelinetest.Maker{}, album: &pipelinetest.Album{}, dirs: dirs}
	r.data = dataset.New(d, blobs, r.album, func() dataset.Settings {
		return dataset.Settings{GoldenPercent: 20, LeastPictures: 5, LeastGroups: 3}
	})
	if r.registry, err = registry.Open(d, blobs, filepath.Join(t.TempDir(), "registry")); err != nil {
		t.Fatal(err)
	}
	if r.jobs, err = job.New(job.Config{Beat: 20 * time.Millisecond}, d); err != nil {
		t.Fatal(err)
	}
	config := pipeline.Config{Dir: dirs[1], Version: "1.0", Maker: r.maker, Log: slog.New(slog.DiscardHandler)}
	if r.Pipeline, err = pipeline.New(config, d, blobs, r.data, r.album, r.registry, r.jobs); err != nil {
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

func spec(c ...float64) pipeline.Spec {
	s := pipeline.Default()
	s.Candidates, s.Variants = pipeline.Candidates(c), []string{backbone.FP32, backbone.INT8}
	return s
}

func (r *rig) ends(t *testing.T, s pipeline.Spec) (pipeline.Run, pipeline.Gate) {
	t.Helper()
	one, err := r.Start(t.Context(), s, "ana")
	if err != nil {
		t.Fatal(err)
	}
	return r.wait(t, one)
}

func (r *rig) wait(t *testing.T, one pipeline.Run) (pipeline.Run, pipeline.Gate) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	j, err := r.jobs.Wait(ctx, one.Job)
	if err != nil || j.State != job.Done {
		t.Fatalf("%s: %s, %v", j.State, j.Error, err)
	}
	var g pipeline.Gate
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
		pipelinetest.Farm(t, d, 60)
		r := newRig(t, d, dirs(t))
		r.work(t)
		one, g := r.ends(t, spec(0.3, 0.7))
		if g.Outcome != pipeline.First || one.EndedAt == 0 {
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
		if err != nil || strings.Join(slices.Compact(names), " ") != "validate features train evaluate register gate" || len(steps) != 2+3+3*2+3+1 {
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
		weak := made[slices.IndexFunc(made, func(m pipeline.Model) bool { return m.Candidate == "C=0.3" })].Version
		move(weak)
		trained := r.maker.Count("train")
		if _, g = r.ends(t, spec(0.3, 0.7)); g.Outcome != gate.Promote || g.Main != backbone.FP32 || len(g.Variants) != 2 || g.Variants[g.Main].Losses != 0 {
			t.Errorf("0.7 beside the champion 0.3: %+v", g)
		}
		if n := r.maker.Count("train"); n != trained {
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
	database := dbtest.SQLite(t)
	whole := newRig(t, database, dirs(t))
	pipelinetest.Farm(t, database, 20)
	whole.work(t)
	one, g := whole.ends(t, spec(0.7))
	want, calls := bundles(t, whole, one.Number), whole.maker.Count("")
	if len(want) != 2 || calls != 1+2+4 {
		t.Fatalf("%v in %d calls", want, calls)
	}
	for at := range calls {
		t.Run(fmt.Sprint(at+1), func(t *testing.T) {
			t.Parallel()
			d := dbtest.SQLite(t)
			pipelinetest.Farm(t, d, 20)
			r := newRig(t, d, dirs(t))
			stop := r.work(t)
			cut := make(chan struct{})
			r.maker.CutAt(at+1, func() {
				go func() { stop(); close(cut) }()
			})
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
	pipelinetest.Farm(t, d, 2)
	r := newRig(t, d, dirs(t))
	_, err := r.Start(t.Context(), spec(), "ana")
	var lacks *pipeline.LacksError
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
	pipelinetest.Farm(t, d, 20)
	r := newRig(t, d, dirs(t))
	r.work(t)
	one, _ := r.ends(t, spec())
	m, err := r.data.Open(t.Context(), one.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	learning := m.Learning()
	r.album.Delete(learning[3].Image) // its label stays known to the data set
	again, _ := r.ends(t, spec())
	version, err := r.registry.Version(t.Context(), again.Chosen)
	if err != nil || again.Manifest != one.Manifest || version.Facts.Provenance.Images != len(learning)-1 {
		t.Errorf("learnt from %d of %d, %v", version.Facts.Provenance.Images, len(learning), err)
	}
}

func TestRunThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *pipeline.Spec){
		"no candidate": func(s *pipeline.Spec) { s.Candidates = nil }, "two of a name": func(s *pipeline.Spec) { s.Candidates = pipeline.Candidates([]float64{1, 1}) },
		"a penalty of nothing": func(s *pipeline.Spec) { s.Candidates = pipeline.Candidates([]float64{0}) }, "a falling grid": func(s *pipeline.Spec) { s.Candidates[0].C = []float64{2, 1} },
		"no variant": func(s *pipeline.Spec) { s.Variants = nil }, "unknown pictures": func(s *pipeline.Spec) { s.Pictures = "paintings" },
	} {
		s := pipeline.Default()
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if change(&s); !errors.Is(s.Check(), pipeline.ErrSpec) {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestRunWithoutItsJobIsOrderedAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	pipelinetest.Farm(t, d, 20)
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

package console

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/pipeline"
	"gourdian/cloud/internal/pipeline/pipelinetest"
	"gourdian/cloud/internal/registry"
)

// runsRig is the pages of runs on labels of so many days, with jobs at work.
func runsRig(t *testing.T, days int) (r *rig, pages *Runs) {
	t.Helper()
	d := dbtest.SQLite(t)
	pipelinetest.Farm(t, d, days)
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pages, album := &Runs{}, &pipelinetest.Album{}
	pages.Sets = dataset.New(d, blobs, album, func() dataset.Settings { return dataset.Settings{GoldenPercent: 20, LeastPictures: 5, LeastGroups: 3} })
	if pages.Registry, err = registry.Open(d, blobs, filepath.Join(t.TempDir(), "registry")); err != nil {
		t.Fatal(err)
	}
	if pages.Jobs, err = job.New(job.Config{Beat: 20 * time.Millisecond}, d); err != nil {
		t.Fatal(err)
	}
	config := pipeline.Config{Dir: filepath.Join(t.TempDir(), "scratch"), Version: "1", Maker: &pipelinetest.Maker{}, Log: slog.New(slog.DiscardHandler)}
	if pages.Runs, err = pipeline.New(config, d, blobs, pages.Sets, album, pages.Registry, pages.Jobs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- pages.Jobs.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	r = newRig(t, pages.Section())
	pages.Console = r.console
	return r, pages
}

func TestTooFewLabelsBlockTrainingInWords(t *testing.T) {
	t.Parallel()
	r, pages := runsRig(t, 2)
	ana := r.in(t, "ana")
	page := ana.get("/training")
	has(t, page, "There are not enough labels to train", "No run yet")
	hasNot(t, page, `name="c"`)
	if status, _, to := ana.post("/training", "seed", "1", "pictures", "photos", "variant", "fp32"); status != http.StatusSeeOther || to != "/training" {
		t.Errorf("%d to %q", status, to)
	}
	has(t, ana.get("/training"), "Nothing was started")
	if n, err := pages.Runs.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d runs, %v", n, err)
	}
	if status, _, _ := ana.do(http.MethodGet, "/training/runs/1", nil); status != http.StatusNotFound {
		t.Errorf("a run that is not there: %d", status)
	}
}

func TestRunIsStartedWatchedAndItsModelMadeChampionByTheGateAlone(t *testing.T) {
	t.Parallel()
	r, pages := runsRig(t, 60)
	r.add(t, "vera", people.Viewer)
	r.add(t, "olga", people.Operator)
	olga, ana := r.in(t, "olga"), r.in(t, "ana")
	if status, _, _ := r.in(t, "vera").post("/training", "seed", "1"); status != http.StatusForbidden {
		t.Errorf("a viewer trains: %d", status)
	}
	olga.post("/training", "seed", "1", "pictures", "photos", "variant", "fp32", "c", "0.3; minus")
	has(t, olga.get("/training"), "Nothing was started", "minus")
	run := func(n int64, c string) (address string) {
		t.Helper()
		address = "/training/runs/" + strconv.FormatInt(n, 10)
		form := url.Values{"seed": {"1"}, "pictures": {"photos"}, "variant": {"fp32", "int8"}, "c": {c}}
		if status, _, to := olga.do(http.MethodPost, "/training", form); status != http.StatusSeeOther || to != address {
			t.Fatalf("%d to %q", status, to)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		one, err := pages.Runs.Get(ctx, n)
		if err == nil {
			_, err = pages.Jobs.Wait(ctx, one.Job)
		}
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	page := olga.get(run(1, "0.3 0.7"))
	has(t, page, "There was no champion to beat", "C=0.3", "C=0.7", "On the pictures that are set aside", "Site: north", "Register")
	hasNot(t, page, "Make it the champion")
	made, err := pages.Runs.Models(t.Context(), 1)
	if err != nil || len(made) != 3 {
		t.Fatalf("%+v, %v", made, err)
	}
	weak := made[1].Version // C=0.3; "auto" reaches more
	if _, err := pages.Registry.Move(t.Context(), weak, 0, "ana", "test"); err != nil {
		t.Fatal(err)
	}
	second := run(2, "0.3 0.7")
	has(t, ana.get(second), "Yes: it is better", "hardly by chance", "done before", "Make it the champion")
	hasNot(t, olga.get(second), "Make it the champion")
	if status, _, _ := olga.post(second+"/champion", "revision", "1"); status != http.StatusForbidden {
		t.Errorf("an operator promotes: %d", status)
	}
	// The first run's gate let nothing through.
	ana.post("/training/runs/1/champion", "revision", "1")
	if now, err := pages.Registry.Alias(t.Context()); err != nil || now.Number != weak {
		t.Fatalf("promoted without a gate: %+v, %v", now, err)
	}
	ana.post(second+"/champion", "revision", "1")
	chosen, err := pages.Runs.Get(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := pages.Registry.Alias(t.Context()); err != nil || now.Number != chosen.Chosen {
		t.Errorf("%+v, %v", now, err)
	}
	hasNot(t, ana.get(second), "Make it the champion</button>")
	has(t, olga.get(run(3, "")), "No: it is worse") // "auto" alone reaches less
	has(t, olga.get("/training"), "Run 3", "Yes: it is better", "data set 1")
}

package cloud

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/job"
)

func TestJobsThatFailAndPileUpAreSaid(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tc := range map[string]struct {
		stats job.Stats
		codes []string
	}{
		"well":   {job.Stats{Waiting: 3, Running: 1, Oldest: now}, nil},
		"failed": {job.Stats{Broken: []job.Job{{ID: 7, Kind: "import", Error: "no room"}}}, []string{"job_failed"}},
		"piled":  {job.Stats{Waiting: 9, Oldest: now.Add(-2 * slowQueue)}, []string{"jobs_queue"}},
	} {
		var codes []string
		for _, c := range checkJobs(func() job.Stats { return tc.stats })(t.Context()) {
			codes = append(codes, c.Code)
		}
		if !slices.Equal(codes, tc.codes) {
			t.Errorf("%s: %v", name, codes)
		}
	}
}

func TestOldCopiesGoAndThoseOfPeopleStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"auto-1.sqlite", "auto-2.sqlite", "auto-3.sqlite", "auto-2.sqlite.part", "before-migration-1.sqlite", "mine.tar"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := pruneBackups(dir, 2); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if err != nil || !slices.Equal(left, []string{"auto-2.sqlite", "auto-3.sqlite", "before-migration-1.sqlite", "mine.tar"}) {
		t.Errorf("%v, %v", left, err)
	}
}

// TestHubCopiesItsDatabaseByItself, and the copy is one that opens.
func TestHubCopiesItsDatabaseByItself(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	h, _, _ := start(t, config)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var list []job.Job
	until(t, "a job", func() bool {
		var err error
		list, err = h.jobs.List(ctx, job.Filter{Kind: jobBackup}, 0, 10)
		return err == nil && len(list) == 1
	})
	one, err := h.jobs.Wait(ctx, list[0].ID)
	var did backedUp
	if err == nil {
		err = one.ReadResult(&did)
	}
	if err != nil || !strings.HasPrefix(did.File, autoBackup) || did.Bytes == 0 {
		t.Fatalf("%+v, %+v, %v", one, did, err)
	}
	copied := filepath.Join(t.TempDir(), "copy.sqlite")
	data, err := os.ReadFile(filepath.Join(config.Data, backupsName, did.File))
	if err == nil {
		err = os.WriteFile(copied, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), db.Options{DSN: copied, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/job"
	"gourdian/internal/service"
)

// Kinds of jobs.
const (
	jobFeatures  = "features"
	jobRetention = "retention"
	jobBackup    = "backup"
)

// openJobs opens the queue. Parts add their kinds of jobs while they are opened.
func (h *Hub) openJobs(context.Context) (err error) {
	if h.jobs, err = job.New(job.Config{Log: h.log}, h.db); err != nil {
		return err
	}
	h.checks["jobs"] = checkJobs(h.jobs.Stats)
	h.gauges = append(h.gauges,
		api.Gauge{Name: "gourdian_hub_jobs_waiting", Help: "Jobs that wait for their turn.",
			Value: func() float64 { return float64(h.jobs.Stats().Waiting) }},
		api.Gauge{Name: "gourdian_hub_jobs_running", Help: "Jobs that are being done.",
			Value: func() float64 { return float64(h.jobs.Stats().Running) }},
		api.Gauge{Name: "gourdian_hub_jobs_failed", Help: "Kinds of jobs whose newest one failed for good.",
			Value: func() float64 { return float64(h.jobs.Stats().Failed) }})
	h.group.Add(service.Part{Name: "jobs", Run: h.jobs.Run})
	return h.jobs.Add(job.Kind{
		Name: jobBackup, Run: job.Of(h.backupDatabase), Timeout: 6 * time.Hour, Attempts: 3,
		Every: func() time.Duration { return time.Duration(h.settings.Now().Backup.EveryHours) * time.Hour },
	})
}

// pictureJobs are those that deal with pictures.
func (h *Hub) pictureJobs() []job.Kind {
	p := &h.pictures
	return []job.Kind{
		{Name: jobFeatures, Timeout: 12 * time.Hour, Attempts: 5, Heavy: true,
			Run: job.Of(func(ctx context.Context, w feature.Work, progress *job.Progress) (feature.Computed, error) {
				return p.index.Compute(ctx, w, func(done, total int) { progress.Step("embedding", done, total) })
			})},
		{Name: jobRetention, Timeout: 6 * time.Hour, Attempts: 3, Every: func() time.Duration { return 6 * time.Hour },
			Run: job.Of(func(ctx context.Context, _ struct{}, progress *job.Progress) (retained, error) {
				n, err := p.samples.Retain(ctx, time.Now(), func(done, total int) { progress.Step("deleting", done, total) })
				return retained{n}, err
			})},
	}
}

// orderFeatures has the embeddings of a space computed.
func (h *Hub) orderFeatures(ctx context.Context, w feature.Work) error {
	_, err := h.jobs.Start(ctx, jobFeatures, w, job.Hub)
	return err
}

// addJobs adds the addresses and pages of jobs.
func (h *Hub) addJobs() {
	h.routes = append(h.routes, api.NewJobs(h.jobs, h.audit, h.log).Routes()...)
	h.console.Add((&console.Jobs{Console: h.console, Jobs: h.jobs}).Section())
}

// retained says what a sweep of old pictures did.
type retained struct {
	Deleted int `json:"deleted"`
}

// backedUp says what a copy of the database became.
type backedUp struct {
	File    string `json:"file"`
	Bytes   int64  `json:"bytes"`
	Deleted int    `json:"deleted"` // older copies
}

// autoBackup begins the names of the copies that the hub makes by itself.
const autoBackup = "auto-"

// backupDatabase copies the database and deletes older copies. The name goes by
// the order and not by the try: a job that is done again makes the same file.
func (h *Hub) backupDatabase(ctx context.Context, _ struct{}, p *job.Progress) (did backedUp, err error) {
	// A connection of its own only reads: what others write goes on meanwhile.
	d, err := db.Open(ctx, db.Options{DSN: h.config.DSN(), AsIs: true})
	if err != nil {
		return did, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	folder, own := filepath.Join(h.config.Data, backupsName), p.Job()
	did.File = autoBackup + own.Created().Format("20060102T150405.000") + "." + d.DumpExt()
	path := filepath.Join(folder, did.File)
	p.Step("copying", 0, 0)
	if _, err := os.Stat(path); err != nil {
		if err := d.Dump(ctx, path); err != nil {
			return did, err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return did, fmt.Errorf("back up database: %w", err)
	}
	did.Bytes = info.Size()
	p.Log("%s has %d bytes", did.File, did.Bytes)
	did.Deleted, err = pruneBackups(folder, h.settings.Now().Backup.Keep)
	return did, err
}

// pruneBackups leaves the newest copies that the hub made by itself, and no
// piece of one that was cut off.
func pruneBackups(folder string, keep int) (deleted int, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, fmt.Errorf("delete old backups: %w", err)
	}
	var whole []string
	for _, e := range entries {
		switch name := e.Name(); {
		case !strings.HasPrefix(name, autoBackup):
		case strings.HasSuffix(name, ".part"):
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				return deleted, fmt.Errorf("delete old backups: %w", err)
			}
		default:
			whole = append(whole, name)
		}
	}
	slices.SortFunc(whole, func(a, b string) int { return cmp.Compare(b, a) })
	for _, name := range whole[min(keep, len(whole)):] {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return deleted, fmt.Errorf("delete old backups: %w", err)
		}
		deleted++
	}
	return deleted, nil
}

// slowQueue is how long a job that could be done may wait before that is worth
// a word.
const slowQueue = 30 * time.Minute

// checkJobs says which kinds of jobs fail, and when they pile up.
func checkJobs(stats func() job.Stats) health.Check {
	return func(context.Context) []health.Condition {
		now := stats()
		var found []health.Condition
		for i := range now.Broken {
			one := &now.Broken[i]
			found = append(found, health.Condition{
				Code: "job_failed", Severity: health.Warning, Subject: one.Kind, Since: one.Ended(),
				Args: map[string]string{"kind": one.Kind, "id": strconv.FormatInt(one.ID, 10), "error": one.Error},
			})
		}
		if !now.Oldest.IsZero() && time.Since(now.Oldest) > slowQueue {
			found = append(found, health.Condition{Code: "jobs_queue", Severity: health.Warning, Since: now.Oldest,
				Args: map[string]string{"n": strconv.Itoa(now.Waiting)}})
		}
		return found
	}
}

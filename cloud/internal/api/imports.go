package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// JobImport is the kind of job that takes the pictures of an archive.
const JobImport = "import"

// importArgs say what is imported. The same archive in the same way is the same
// import.
type importArgs struct {
	Archive  string `json:"archive"` // SHA-256
	Name     string `json:"name"`
	Site     string `json:"site,omitempty"`
	KeepPoor bool   `json:"keep_poor,omitempty"`
	Doubtful bool   `json:"doubtful,omitempty"` // what is probably no pumpkin is taken too
	Folders  bool   `json:"folders,omitempty"`  // named by labels
	By       string `json:"by"`
}

// Jobs are the kinds of jobs that these addresses start.
func (s *Samples) Jobs() []job.Kind {
	return []job.Kind{{
		Name: JobImport, Run: job.Of(s.runImport), Timeout: 12 * time.Hour, Attempts: 3,
		Clean: func(text json.RawMessage) {
			var args importArgs
			if json.Unmarshal(text, &args) == nil {
				_ = os.Remove(s.archive(args)) // else the sweep of old pieces does it
			}
		},
	}}
}

// archive is where an archive lies.
func (s *Samples) archive(args importArgs) string {
	return filepath.Join(s.dir, "import-"+args.Archive+".zip")
}

// importZip takes an archive as the body of the request and waits for the end of
// its import, unless the address says wait=no.
func (s *Samples) importZip(c *gin.Context) {
	one, err := s.Import(c, c.Request.Body, sample.Import{
		Name: c.DefaultQuery("name", "import"), Site: c.Query("site"), KeepPoor: c.Query("poor") == "keep",
		KeepUnlikely: c.Query("doubtful") == "take",
	}, c.Query("folders") == "labels")
	if err == nil && c.Query("wait") == "no" {
		c.JSON(http.StatusAccepted, gin.H{"job": one.ID})
		return
	}
	if err == nil {
		one, err = s.jobs.Wait(c.Request.Context(), one.ID)
	}
	var report sample.Report
	switch {
	case err != nil:
	case one.State != job.Done:
		err = fmt.Errorf("%w: job %d: %s", errImport, one.ID, one.Error)
	default:
		err = one.ReadResult(&report)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, report)
}

// errImport: the job of an import failed or was cancelled.
var errImport = errors.New("the import did not end well")

// Import keeps the archive in body and starts the job that takes its pictures
// for the person who asks. folders says that folders are named by labels.
func (s *Samples) Import(c *gin.Context, body io.Reader, how sample.Import, folders bool) (job.Job, error) {
	who, _ := Who(c)
	args := importArgs{Name: how.Name, Site: how.Site, KeepPoor: how.KeepPoor, Doubtful: how.KeepUnlikely, Folders: folders, By: who.Name}
	if err := s.receive(body, &args); err != nil {
		return job.Job{}, fmt.Errorf("import: %w", err)
	}
	return s.jobs.Start(c.Request.Context(), JobImport, args, who.Name)
}

// receive writes an archive to its place, looks that it is one, and names it.
func (s *Samples) receive(body io.Reader, args *importArgs) (err error) {
	file, err := os.CreateTemp(s.dir, "import-*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // nobody can use it
		}
	}()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, sum), body)
	if err == nil {
		err = sample.CheckZip(file, size)
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	args.Archive = hex.EncodeToString(sum.Sum(nil))
	return os.Rename(file.Name(), s.archive(*args))
}

// runImport takes the pictures of an archive. Cut off, it finds what it took
// before and comes to the same report.
func (s *Samples) runImport(ctx context.Context, args importArgs, p *job.Progress) (report sample.Report, err error) {
	file, err := os.Open(s.archive(args))
	if errors.Is(err, os.ErrNotExist) {
		return report, job.Final(errors.New("the archive is no longer here: send it again"))
	}
	if err != nil {
		return report, fmt.Errorf("import: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return report, fmt.Errorf("import: %w", err)
	}
	own := p.Job()
	how := sample.Import{
		Name: args.Name, Site: args.Site, KeepPoor: args.KeepPoor, KeepUnlikely: args.Doubtful, Since: own.Created(),
		Step: func(done, of int) { p.Step("reading", done, of) },
	}
	if args.Folders {
		how.Said = func(folder string) bool { return label.Known(wire.Verdict(folder)) }
		how.Label = func(ctx context.Context, hash, folder string) (bool, error) {
			return s.labelBy(ctx, hash, folder, args.By)
		}
	}
	report, err = s.samples.ImportZip(ctx, file, info.Size(), how)
	if errors.Is(err, sample.ErrArchive) || errors.Is(err, sample.ErrFull) {
		err = job.Final(err)
	}
	if err != nil {
		return report, err
	}
	detail := fmt.Sprintf("%d / %d", report.Taken, report.Seen)
	for _, why := range slices.Sorted(maps.Keys(report.Refused)) {
		detail += fmt.Sprintf(", %s %d", why, report.Refused[why])
	}
	p.Log("%s: taken %s", args.Name, detail)
	return report, s.audit.Write(ctx, args.By, "sample.import", args.Name, detail)
}

// labelBy labels a picture by the name of its folder and says whether that is
// its label then: somebody who labelled it since it came is right.
func (s *Samples) labelBy(ctx context.Context, hash, folder, who string) (bool, error) {
	name := wire.Verdict(folder)
	if !label.Known(name) {
		return false, nil
	}
	err := s.labels.Set(ctx, hash, name, 0, who)
	if !errors.Is(err, label.ErrChanged) {
		return err == nil, err
	}
	now, err := s.samples.Get(ctx, hash)
	return err == nil && now.Label == folder, err
}

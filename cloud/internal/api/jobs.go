package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
)

// Jobs gives long work to programs.
type Jobs struct {
	jobs  *job.Jobs
	audit *people.Audit
	log   *slog.Logger
}

// NewJobs returns the addresses of long work.
func NewJobs(j *job.Jobs, audit *people.Audit, log *slog.Logger) *Jobs { return &Jobs{j, audit, log} }

// Routes are the addresses.
func (j *Jobs) Routes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/jobs", Least: people.Viewer, Handler: j.list},
		{Method: http.MethodGet, Path: "/api/v1/jobs/:id", Least: people.Viewer, Handler: j.one},
		{Method: http.MethodPost, Path: "/api/v1/jobs/:id/cancel", Least: people.Operator, Handler: j.cancel},
		{Method: http.MethodPost, Path: "/api/v1/jobs/:id/retry", Least: people.Operator, Handler: j.retry},
	}
}

// jobAnswer is a job as programs see it.
type jobAnswer struct {
	ID        int64           `json:"id"`
	Kind      string          `json:"kind"`
	State     job.State       `json:"state"`
	StartedBy string          `json:"started_by"`
	Step      string          `json:"step,omitempty"`
	Done      int             `json:"done"`
	Total     int             `json:"total"`
	Left      float64         `json:"seconds_left,omitempty"`
	Attempts  int             `json:"attempts"` // that ended in an error
	CreatedAt time.Time       `json:"created_at"`
	StartedAt *time.Time      `json:"started_at,omitempty"`
	EndedAt   *time.Time      `json:"ended_at,omitempty"`
	Error     string          `json:"error,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Log       []jobLine       `json:"log,omitempty"`
}

type jobLine struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

func answerOfJob(one *job.Job) jobAnswer {
	maybe := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	a := jobAnswer{
		ID: one.ID, Kind: one.Kind, State: one.State, StartedBy: one.StartedBy, Step: one.Step, Done: one.Done, Total: one.Total,
		Attempts: one.Attempts, CreatedAt: one.Created(), StartedAt: maybe(one.Started()), EndedAt: maybe(one.Ended()), Error: one.Error,
	}
	if left, ok := one.Left(time.Now()); ok {
		a.Left = left.Seconds()
	}
	return a
}

// maxJobs bounds a page.
const maxJobs = 200

func (j *Jobs) list(c *gin.Context) {
	most, err := strconv.ParseInt(c.DefaultQuery("limit", "50"), 10, 64)
	before, err2 := strconv.ParseInt(c.DefaultQuery("cursor", "0"), 10, 64)
	if err != nil || err2 != nil || most < 1 {
		Fail(c, http.StatusBadRequest, "bad_query", "limit or cursor can't be read.", "docs/hub-api.md shows them.")
		return
	}
	most = min(most, maxJobs)
	list, err := j.jobs.List(c.Request.Context(), job.Filter{State: job.State(c.Query("state")), Kind: c.Query("kind")}, before, most+1)
	if err != nil {
		j.fail(c, err)
		return
	}
	out := make([]jobAnswer, 0, len(list))
	for i := range list[:min(int64(len(list)), most)] {
		out = append(out, answerOfJob(&list[i]))
	}
	answer := gin.H{"jobs": out}
	if int64(len(list)) > most {
		answer["next"] = strconv.FormatInt(list[most-1].ID, 10)
	}
	c.JSON(http.StatusOK, answer)
}

func (j *Jobs) one(c *gin.Context) {
	id, ok := j.idOf(c)
	if !ok {
		return
	}
	one, err := j.jobs.Get(c.Request.Context(), id)
	var lines []job.Line
	if err == nil {
		lines, err = j.jobs.Lines(c.Request.Context(), id)
	}
	if err != nil {
		j.fail(c, err)
		return
	}
	answer := answerOfJob(&one)
	if one.State == job.Done {
		answer.Result = json.RawMessage(one.Result)
	}
	for i := range lines {
		answer.Log = append(answer.Log, jobLine{lines[i].When(), lines[i].Text})
	}
	c.JSON(http.StatusOK, answer)
}

func (j *Jobs) cancel(c *gin.Context) {
	who, _ := Who(c)
	j.change(c, "job.cancel", func(id int64) error { return j.jobs.Cancel(c.Request.Context(), id, who.Name) })
}

func (j *Jobs) retry(c *gin.Context) {
	j.change(c, "job.retry", func(id int64) error { return j.jobs.Retry(c.Request.Context(), id) })
}

func (j *Jobs) change(c *gin.Context, action string, do func(id int64) error) {
	id, ok := j.idOf(c)
	if !ok {
		return
	}
	who, _ := Who(c)
	err := do(id)
	var one job.Job
	if err == nil {
		one, err = j.jobs.Get(c.Request.Context(), id)
	}
	if err == nil {
		err = j.audit.Write(c.Request.Context(), who.Name, action, "job "+strconv.FormatInt(id, 10), one.Kind)
	}
	if err != nil {
		j.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answerOfJob(&one))
}

func (j *Jobs) idOf(c *gin.Context) (int64, bool) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		j.fail(c, job.ErrNotFound)
		return 0, false
	}
	return id, true
}

func (j *Jobs) fail(c *gin.Context, err error) {
	switch {
	case errors.Is(err, job.ErrNotFound):
		Fail(c, http.StatusNotFound, "no_such_job", "There is no such job.", "GET /api/v1/jobs lists them; old ones are forgotten.")
	case errors.Is(err, job.ErrEnded):
		Fail(c, http.StatusConflict, "job_ended", "The job has ended.", "Only a job that waits or runs can be cancelled.")
	case errors.Is(err, job.ErrNotEnded):
		Fail(c, http.StatusConflict, "job_not_failed", "The job did not fail.", "Only a job that failed or was cancelled can be retried.")
	case errors.Is(err, job.ErrUnderWay):
		Fail(c, http.StatusConflict, "job_under_way", "The same work is under way already.", "Wait for that job to end.")
	default:
		j.log.Error("jobs", "path", c.FullPath(), "error", err)
		Fail(c, http.StatusInternalServerError, "internal", "The hub made a mistake.", "Try again; the hub's log says more.")
	}
}

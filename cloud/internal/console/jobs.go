package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/web"
)

// Jobs are the pages of what takes long.
type Jobs struct {
	Console *Console
	Jobs    *job.Jobs
}

const jobsPage = 50

// Section is the pages with their addresses. They stand under Health, so the
// menu has no entry of them.
func (j *Jobs) Section() Section {
	const form = 16 << 10
	on := func() *Console { return j.Console }
	all := part{"jobs", "jobs", func(c *gin.Context) (any, error) { return j.view(c) }}
	one := part{"job", "job", func(c *gin.Context) (any, error) { return j.viewOne(c) }}
	now := append(all.routes("/jobs", on), one.routes("/jobs/:id", on)...)
	return Section{Name: "jobs", Least: people.Viewer, Routes: append(now, []api.Route{
		{Method: http.MethodGet, Path: "/jobs", Least: people.Viewer, Handler: j.serve},
		{Method: http.MethodGet, Path: "/jobs/:id", Least: people.Viewer, Handler: j.serveOne},
		{Method: http.MethodPost, Path: "/jobs/:id/cancel", Least: people.Operator, Limit: form, Handler: j.cancel},
		{Method: http.MethodPost, Path: "/jobs/:id/retry", Least: people.Operator, Limit: form, Handler: j.retry},
	}...)}
}

// jobView is a job in words.
type jobView struct {
	ID     int64
	Title  string
	State  string
	Tone   string
	Shape  string
	By     string
	When   web.Moment // when it was ordered
	Took   string     // how long it ran, "" = it has not ended
	Step   string
	Live   bool // it has not ended
	Runs   bool
	Broken bool // it failed or was cancelled
	Bar    bool // how far it is is known
	Done   int
	Total  int
	Left   string
	Error  string
	Next   web.Moment // of a job that waits for another try
}

// job says what a job is and how far.
func (v *voice) job(one *job.Job) jobView {
	view := jobView{
		ID: one.ID, Title: v.jobKind(one.Kind), State: v.Say("hub.job.state." + string(one.State)), By: v.jobBy(one.StartedBy),
		When: v.ago(one.Created()), Live: !one.State.Ended(), Runs: one.State == job.Running,
		Broken: one.State == job.Failed || one.State == job.Cancelled, Error: one.Error,
		Bar: one.State == job.Running && one.Total > 0, Done: one.Done, Total: one.Total,
	}
	view.Tone, view.Shape = jobLook(one.State)
	if one.Step != "" && view.Runs {
		view.Step = v.sayOr("hub.job.step."+one.Step, one.Step)
	}
	if left, ok := one.Left(time.Now()); ok {
		view.Left = v.Lasting(left)
	}
	if one.State == job.Waiting && one.Attempts > 0 {
		view.Next = v.ago(one.Due())
	}
	if began := one.Started(); !began.IsZero() && !view.Live {
		view.Took = v.Lasting(one.Ended().Sub(began))
	}
	return view
}

// jobKind is a kind of job in words; of one that an older hub had, its name.
func (v *voice) jobKind(kind string) string { return v.sayOr("hub.job.kind."+kind, kind) }

// jobBy is who started a job.
func (v *voice) jobBy(who string) string {
	if who == job.Hub {
		return v.Say("hub.job.by_itself")
	}
	return who
}

// jobLook is the tone and the shape of a state.
func jobLook(s job.State) (tone, shape string) {
	switch s {
	case job.Done:
		return "good", "well"
	case job.Failed:
		return "bad", "bad"
	case job.Cancelled:
		return "none", "cant_tell"
	case job.Running:
		return "unsure", "note"
	default:
		return "none", "not_pumpkin"
	}
}

type jobsView struct {
	Jobs     []jobView
	States   []choice
	Query    string
	Filtered bool
	Pager    pager
}

func (j *Jobs) view(c *gin.Context) (view jobsView, err error) {
	v := j.Console.voice(c)
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // else 0: the newest
	state := job.State(c.Query("state"))
	list, err := j.Jobs.List(c.Request.Context(), job.Filter{State: state, Kind: c.Query("kind")}, before, jobsPage+1)
	if err != nil {
		return view, err
	}
	more := len(list) > jobsPage
	list = list[:min(len(list), jobsPage)]
	view.Filtered = state != "" || c.Query("kind") != ""
	view.Query = c.Request.URL.RawQuery
	view.States = []choice{{"", v.Say("hub.job.all"), state == ""}}
	for _, s := range []job.State{job.Running, job.Waiting, job.Failed, job.Done, job.Cancelled} {
		view.States = append(view.States, choice{string(s), v.Say("hub.job.state." + string(s)), s == state})
	}
	for i := range list {
		view.Jobs = append(view.Jobs, v.job(&list[i]))
	}
	if len(list) > 0 {
		view.Pager = pagesAt(c, "/jobs", strconv.FormatInt(list[len(list)-1].ID, 10), more)
	}
	return view, nil
}

func (j *Jobs) serve(c *gin.Context) {
	view, err := j.view(c)
	if err != nil {
		j.Console.fail(c, err)
		return
	}
	j.Console.show(c, http.StatusOK, page{Name: "jobs", Nav: "health", Title: j.Console.voice(c).Say("hub.job.title"), Live: true, Body: view})
}

type oneJobView struct {
	Job     jobView
	Result  string
	Report  *sample.Report // of an import
	Refused []choice       // fault in words and how many
	Lines   []jobLine
	Cancel  bool
	Retry   bool
	EndedBy string
}

type jobLine struct {
	When  web.Moment
	Clock string
	Text  string
}

func (j *Jobs) viewOne(c *gin.Context) (view oneJobView, err error) {
	ctx, v := c.Request.Context(), j.Console.voice(c)
	id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // 0 is no job
	one, err := j.Jobs.Get(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return view, errNotThere
	}
	var lines []job.Line
	if err == nil {
		lines, err = j.Jobs.Lines(ctx, id)
	}
	if err != nil {
		return view, err
	}
	who, _ := api.Who(c)
	may := who.Role.Allows(people.Operator)
	view = oneJobView{
		Job: v.job(&one), Cancel: may && !one.State.Ended(), Retry: may && (one.State == job.Failed || one.State == job.Cancelled), EndedBy: one.EndedBy,
	}
	view.Result, view.Report, view.Refused = v.jobResult(&one)
	for i := range lines {
		at := lines[i].When()
		view.Lines = append(view.Lines, jobLine{v.ago(at), at.In(v.location()).Format("15:04:05"), lines[i].Text})
	}
	return view, nil
}

// jobResult says what a job that was done came to: "hub.job.result.<kind>" with
// the numbers of its result.
func (v *voice) jobResult(one *job.Job) (text string, report *sample.Report, refused []choice) {
	if one.State != job.Done {
		return "", nil, nil
	}
	if one.Kind == api.JobImport {
		report = new(sample.Report)
		if one.ReadResult(report) != nil {
			return "", nil, nil
		}
		for fault, n := range report.Refused {
			refused = append(refused, choice{Label: v.Say("hub.samples.fault." + string(fault)), Value: v.Whole(n)})
		}
		return "", report, refused
	}
	key := "hub.job.result." + one.Kind
	var facts map[string]any
	if !v.Has(key) || json.Unmarshal([]byte(one.Result), &facts) != nil {
		return "", nil, nil
	}
	var args []any
	for name, value := range facts {
		switch value := value.(type) {
		case float64:
			args = append(args, name, v.number(name, value))
		case string:
			args = append(args, name, value)
		}
	}
	return v.Say(key, args...), nil, nil
}

// number writes a number of a result: bytes as people say them, else whole.
func (v *voice) number(name string, value float64) string {
	if name == "bytes" {
		return v.Bytes(int64(value))
	}
	return v.Whole(int(value))
}

func (j *Jobs) serveOne(c *gin.Context) {
	view, err := j.viewOne(c)
	switch {
	case errors.Is(err, errNotThere):
		j.Console.ShowError(c, http.StatusNotFound, "not_found")
	case err != nil:
		j.Console.fail(c, err)
	default:
		j.Console.show(c, http.StatusOK, page{Name: "job", Nav: "health", Title: view.Job.Title, Live: view.Job.Live, Body: view})
	}
}

func (j *Jobs) cancel(c *gin.Context) {
	id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // 0 is no job
	who, _ := api.Who(c)
	j.changed(c, id, "job.cancel", "hub.job.cancelled", j.Jobs.Cancel(c.Request.Context(), id, who.Name))
}

func (j *Jobs) retry(c *gin.Context) {
	id, _ := strconv.ParseInt(c.Param("id"), 10, 64) // 0 is no job
	j.changed(c, id, "job.retry", "hub.job.retried", j.Jobs.Retry(c.Request.Context(), id))
}

// changed answers a change of a job, which is written down.
func (j *Jobs) changed(c *gin.Context, id int64, action, key string, err error) {
	who, _ := api.Who(c)
	switch {
	case errors.Is(err, job.ErrNotFound):
		j.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	case errors.Is(err, job.ErrEnded), errors.Is(err, job.ErrNotEnded):
		key = "hub.job.ended_meanwhile"
	case errors.Is(err, job.ErrUnderWay):
		key = "hub.job.under_way"
	case err == nil:
		err = j.Console.opts.Audit.Write(c.Request.Context(), who.Name, action, "job "+strconv.FormatInt(id, 10), "")
		fallthrough
	default:
		if err != nil {
			j.Console.fail(c, err)
			return
		}
	}
	j.Console.flash(c, key)
	c.Redirect(http.StatusSeeOther, "/jobs/"+strconv.FormatInt(id, 10))
}

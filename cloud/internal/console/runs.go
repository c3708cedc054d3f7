package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/pipeline"
	"gourdian/cloud/internal/registry"
	"gourdian/internal/web"
	"gourdian/internal/wire"
	"gourdian/models/backbone"
	models "gourdian/models/dataset"
	"gourdian/models/gate"
)

// Runs are the pages of training: the list with what starts a run, and one run.
type Runs struct {
	Console  *Console
	Runs     *pipeline.Pipeline
	Jobs     *job.Jobs
	Sets     *dataset.Store
	Registry *registry.Registry
}

const runsPage = 30

// Section is the pages with their addresses. They stand under the menu's entry
// of training.
func (r *Runs) Section() Section {
	const form = 16 << 10
	return Section{Name: "runs", Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/training", Least: people.Viewer, Handler: r.serve},
			{Method: http.MethodPost, Path: "/training", Least: people.Operator, Limit: form, Handler: r.start},
			{Method: http.MethodGet, Path: "/training/runs/:run", Least: people.Viewer, Handler: r.serveOne},
			{Method: http.MethodGet, Path: "/parts/training/runs/:run", Least: people.Viewer, Handler: r.serveOnePart},
			{Method: http.MethodPost, Path: "/training/runs/:run/champion", Least: people.Admin, Limit: form, Handler: r.promote},
		},
		Steps: []Step{{Name: "train", Path: "/training", Least: people.Viewer, Count: func(ctx context.Context) (Count, error) {
			n, err := r.Runs.Count(ctx)
			return Count{Done: n}, err
		}}},
	}
}

type trainingView struct {
	Runs     []runRow
	Pager    pager
	Lacks    []string // what the labels miss
	CanStart bool
	Seed     uint64
	C        string
	Variants []choice
	Pictures []choice
}

type runRow struct {
	Number  int64
	By      string
	When    web.Moment
	Dataset int64
	Job     *jobView // nil = it was forgotten
	Outcome string
}

func (r *Runs) serve(c *gin.Context) {
	ctx, v := c.Request.Context(), r.Console.voice(c)
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // else 0: the newest
	list, err := r.Runs.List(ctx, before, runsPage+1)
	var lacks []dataset.Reason
	if err == nil {
		_, lacks, err = r.Sets.Enough(ctx)
	}
	if err != nil {
		r.Console.fail(c, err)
		return
	}
	who, _ := api.Who(c)
	view := trainingView{CanStart: who.Role.Allows(people.Operator), Lacks: v.lacking(lacks)}
	spec := pipeline.Default()
	view.Seed, view.C = spec.Seed, penalties(spec)
	for _, name := range backbone.Variants() {
		view.Variants = append(view.Variants, choice{name, name, true})
	}
	for _, kind := range []string{models.KindPhotos, models.KindRendered} {
		view.Pictures = append(view.Pictures, choice{kind, v.Say("hub.run.pictures." + kind), kind == spec.Pictures})
	}
	more := len(list) > runsPage
	for i := range list[:min(len(list), runsPage)] {
		row, err := r.row(ctx, v, &list[i])
		if err != nil {
			r.Console.fail(c, err)
			return
		}
		view.Runs = append(view.Runs, row)
	}
	if n := len(view.Runs); n > 0 {
		view.Pager = pagesBy(c, strconv.FormatInt(view.Runs[n-1].Number, 10), more)
	}
	r.Console.show(c, http.StatusOK, page{Name: "training", Nav: "training", Title: v.Say("hub.run.title"), Body: view})
}

// row is a run in the list.
func (r *Runs) row(ctx context.Context, v *voice, one *pipeline.Run) (row runRow, err error) {
	row = runRow{Number: one.Number, By: one.StartedBy, When: v.ago(one.Started()), Dataset: one.Dataset}
	if row.Job, err = r.jobOf(ctx, v, one); err != nil || one.Gate == "" {
		return row, err
	}
	var g pipeline.Gate
	if err := r.Runs.Read(ctx, one.Gate, &g); err != nil {
		return row, err
	}
	row.Outcome = v.Say("hub.run.outcome." + string(g.Outcome))
	return row, nil
}

// jobOf is the job that does a run; nil where it was forgotten.
func (r *Runs) jobOf(ctx context.Context, v *voice, one *pipeline.Run) (*jobView, error) {
	j, err := r.Jobs.Get(ctx, one.Job)
	if errors.Is(err, job.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	view := v.job(&j)
	return &view, nil
}

// penalties are those of a spec as they are typed.
func penalties(s pipeline.Spec) string {
	var out []string
	for _, c := range s.Candidates {
		if len(c.C) == 1 {
			out = append(out, strconv.FormatFloat(c.C[0], 'g', -1, 64))
		}
	}
	return strings.Join(out, ", ")
}

// specOf reads the form.
func specOf(c *gin.Context) (s pipeline.Spec, err error) {
	s.Variants, s.Pictures = c.PostFormArray("variant"), c.PostForm("pictures")
	if s.Seed, err = strconv.ParseUint(strings.TrimSpace(c.PostForm("seed")), 10, 64); err != nil {
		return s, fmt.Errorf("%w: seed %.20q", pipeline.ErrSpec, c.PostForm("seed"))
	}
	var values []float64
	for _, typed := range strings.FieldsFunc(c.PostForm("c"), func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		v, err := strconv.ParseFloat(typed, 64)
		if err != nil {
			return s, fmt.Errorf("%w: penalty %.20q", pipeline.ErrSpec, typed)
		}
		values = append(values, v)
	}
	slices.Sort(values)
	s.Candidates = pipeline.Candidates(values)
	return s, s.Check()
}

func (r *Runs) start(c *gin.Context) {
	who, _ := api.Who(c)
	spec, err := specOf(c)
	var one pipeline.Run
	if err == nil {
		one, err = r.Runs.Start(c.Request.Context(), spec, who.Name)
	}
	var lacks *pipeline.LacksError
	switch {
	case errors.As(err, &lacks):
		r.Console.flash(c, "hub.run.too_few")
	case errors.Is(err, dataset.ErrEmpty):
		r.Console.flash(c, "hub.run.too_few")
	case errors.Is(err, pipeline.ErrSpec):
		r.Console.flash(c, "hub.run.refused", "why", err)
	case err != nil:
		r.Console.fail(c, err)
		return
	default:
		c.Redirect(http.StatusSeeOther, "/training/runs/"+strconv.FormatInt(one.Number, 10))
		return
	}
	c.Redirect(http.StatusSeeOther, "/training")
}

// promote makes the candidate that the gate let through the champion.
func (r *Runs) promote(c *gin.Context) {
	ctx := c.Request.Context()
	number, _ := strconv.ParseInt(c.Param("run"), 10, 64) // 0 is no run
	one, err := r.Runs.Get(ctx, number)
	if errors.Is(err, pipeline.ErrNotFound) {
		r.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	var g pipeline.Gate
	if err == nil && one.Gate != "" {
		err = r.Runs.Read(ctx, one.Gate, &g)
	}
	if err != nil {
		r.Console.fail(c, err)
		return
	}
	back := "/training/runs/" + strconv.FormatInt(number, 10)
	revision, _ := strconv.ParseInt(c.PostForm("revision"), 10, 64) // a wrong one is refused
	now, err := r.Registry.Alias(ctx)
	switch {
	case err != nil:
		r.Console.fail(c, err)
		return
	case g.Outcome != gate.Promote || now.Number != one.Champion:
		r.Console.flash(c, "hub.run.champion_moved")
		c.Redirect(http.StatusSeeOther, back)
		return
	}
	who, _ := api.Who(c)
	move, err := r.Registry.Move(ctx, one.Chosen, revision, who.Name, fmt.Sprintf("run %d, gate %.12s: promote", number, one.Gate))
	if err == nil {
		err = r.Console.opts.Audit.Write(ctx, move.By, "model.champion", fmt.Sprintf("model %d", move.To), fmt.Sprintf("%d → %d: %s", move.From, move.To, move.Reason))
	}
	switch {
	case errors.Is(err, registry.ErrChanged), errors.Is(err, registry.ErrNotFound):
		r.Console.flash(c, "hub.run.champion_moved")
	case err != nil:
		r.Console.fail(c, err)
		return
	default:
		r.Console.flash(c, "hub.models.moved", "version", move.To)
	}
	c.Redirect(http.StatusSeeOther, back)
}

// className is a class in words.
func (v *voice) className(name string) string { return v.verdict(wire.Verdict(name), nil).Word }

package console

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/pipeline"
	"gourdian/models/evaluate"
	"gourdian/models/gate"
	plots "gourdian/models/report"
)

// runView is one run.
type runView struct {
	Number     int64
	Row        runRow
	Cancel     bool
	Retry      bool
	Steps      []stepRow
	Models     []modelRow
	Measured   []measuredRow
	Slices     []sliceRow
	Parts      []plots.Part
	Baseline   string
	Gate       *gateView
	Warnings   []string
	CanPromote bool
	Revision   int64
}

// stepRow is one step in words.
type stepRow struct {
	Name, Subject, Took, Artefact string
	Ended, Reused                 bool
}

// modelRow is one candidate by its cross-validation.
type modelRow struct {
	Candidate string
	Version   int64
	Chosen    bool
	C         string
	Balanced  string
	Coverage  string
	Sure      string
}

// measuredRow is one model in one variant on the golden pictures.
type measuredRow struct {
	Who, Variant, Images, Accuracy, Balanced, Bad, Coverage string
}

// sliceRow is a part of the golden pictures.
type sliceRow struct{ Name, Images, Candidate, Champion string }

// gateView is the gate's record in words.
type gateView struct {
	Outcome string
	Tone    string
	Shape   string
	Reasons []string
	Counts  string
	More    string
	Record  string
}

func (r *Runs) serveOne(c *gin.Context) {
	if view, ok := r.view(c); ok {
		v := r.Console.voice(c)
		live := view.Row.Job != nil && view.Row.Job.Live
		r.Console.show(c, http.StatusOK, page{Name: "run", Nav: "training", Title: v.Say("hub.run.number", "n", view.Number), Live: live, Styles: []string{"plot.css"}, Body: view})
	}
}

func (r *Runs) serveOnePart(c *gin.Context) {
	if view, ok := r.view(c); ok {
		r.Console.showPart(c, "run", "run", view)
	}
}

func (r *Runs) view(c *gin.Context) (view runView, ok bool) {
	ctx, v := c.Request.Context(), r.Console.voice(c)
	number, _ := strconv.ParseInt(c.Param("run"), 10, 64) // 0 is no run
	one, err := r.Runs.Get(ctx, number)
	if errors.Is(err, pipeline.ErrNotFound) {
		r.Console.ShowError(c, http.StatusNotFound, "not_found")
		return view, false
	}
	who, _ := api.Who(c)
	if err == nil {
		view, err = r.viewOf(ctx, v, &one)
	}
	if err == nil && one.Gate != "" {
		err = r.decided(ctx, v, &one, &view)
		view.CanPromote = view.CanPromote && who.Role.Allows(people.Admin)
	}
	if err != nil {
		r.Console.fail(c, err)
		return view, false
	}
	if view.Row.Job != nil {
		may := who.Role.Allows(people.Operator)
		view.Cancel, view.Retry = may && view.Row.Job.Live, may && view.Row.Job.Broken
	}
	return view, true
}

// viewOf is a run as far as it is.
func (r *Runs) viewOf(ctx context.Context, v *voice, one *pipeline.Run) (view runView, err error) {
	view.Number = one.Number
	if view.Row, err = r.row(ctx, v, one); err != nil {
		return view, err
	}
	steps, err := r.Runs.Steps(ctx, one.Number)
	if err != nil {
		return view, err
	}
	for i := range steps {
		s := &steps[i]
		row := stepRow{Name: v.Say("hub.run.step." + s.Name), Subject: s.Subject, Artefact: s.Artefact, Ended: s.Artefact != "", Reused: s.Reused}
		if row.Ended {
			row.Took = v.Lasting(s.Took())
		}
		view.Steps = append(view.Steps, row)
		if s.Name == pipeline.StepEvaluate && row.Ended {
			if err := r.measured(ctx, v, s, &view); err != nil {
				return view, err
			}
		}
	}
	return view, r.candidates(ctx, v, one, &view)
}

// measured adds what an evaluation on golden pictures found.
func (r *Runs) measured(ctx context.Context, v *voice, s *pipeline.Step, view *runView) error {
	var e pipeline.Evaluated
	if err := r.Runs.Read(ctx, s.Artefact, &e); err != nil || e.Report == nil {
		return err
	}
	who, variant, _ := strings.Cut(s.Subject, " ")
	f := &e.Report.Figures
	row := measuredRow{
		Who: who, Variant: variant, Images: v.Whole(f.Images), Accuracy: v.span(f.Accuracy, f.AccuracyLow, f.AccuracyHigh),
		Balanced: v.span(f.BalancedAccuracy, f.BalancedLow, f.BalancedHigh), Coverage: v.span(f.Coverage, nil, nil),
	}
	guarded := f.Classes[gate.DefaultRules().Guarded]
	row.Bad = v.span(guarded.Recall, guarded.RecallLow, guarded.RecallHigh)
	if who == "champion" {
		row.Who = v.Say("hub.models.champion")
	}
	view.Measured = append(view.Measured, row)
	return nil
}

// candidates adds what was trained, by its cross-validation.
func (r *Runs) candidates(ctx context.Context, v *voice, one *pipeline.Run, view *runView) error {
	made, err := r.Runs.Models(ctx, one.Number)
	if err != nil {
		return err
	}
	for i := range made {
		var t pipeline.Trained
		if err := r.Runs.Read(ctx, made[i].Report, &t); err != nil {
			return err
		}
		f := &t.Report.Figures
		row := modelRow{
			Candidate: made[i].Candidate, Version: made[i].Version, C: strconv.FormatFloat(t.Report.C, 'g', -1, 64),
			Balanced: v.span(f.BalancedAccuracy, f.BalancedLow, f.BalancedHigh), Coverage: v.span(f.Coverage, nil, nil), Sure: v.span(f.AccuracyWhenSure, nil, nil),
		}
		if made[i].Version == one.Chosen && view.Parts == nil {
			row.Chosen = true
			view.Parts = plots.Parts(v.Speaker, *f, t.Report.Learning, nil)
			view.Warnings = t.Report.Warnings
			earned := "hub.run.baseline_not"
			if t.Report.Baseline.Earned {
				earned = "hub.run.baseline"
			}
			view.Baseline = v.Say(earned, "value", v.Percent(t.Report.Baseline.BalancedAccuracy), "gain", v.Decimal(100*t.Report.Baseline.Gain.Value, 1))
		}
		view.Models = append(view.Models, row)
	}
	return nil
}

// decided adds what the gate said.
func (r *Runs) decided(ctx context.Context, v *voice, one *pipeline.Run, view *runView) error {
	var g pipeline.Gate
	if err := r.Runs.Read(ctx, one.Gate, &g); err != nil {
		return err
	}
	now, err := r.Registry.Alias(ctx)
	if err != nil {
		return err
	}
	said := gateView{Outcome: v.Say("hub.run.outcome." + string(g.Outcome)), Record: one.Gate}
	said.Tone, said.Shape = outcomeLook(g.Outcome)
	view.Revision = now.Revision
	view.CanPromote = g.Outcome == gate.Promote && now.Number == one.Champion
	if main, ok := g.Variants[g.Main]; ok {
		for _, why := range main.Reasons {
			said.Reasons = append(said.Reasons, v.reason(why))
		}
		said.Counts = v.Say("hub.run.counts", "images", v.Whole(main.Images), "groups", v.Whole(main.Groups), "both", v.Whole(main.Both),
			"wins", v.Whole(main.Wins), "losses", v.Whole(main.Losses), "neither", v.Whole(main.Neither), "p", v.Decimal(main.P, 4))
		if main.More > 0 {
			said.More = v.Count("hub.run.more", main.More)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.Variants)) {
		for _, why := range g.Variants[name].Reasons {
			if name != g.Main && g.Variants[name].Outcome == gate.Reject {
				said.Reasons = append(said.Reasons, name+": "+v.reason(why))
			}
		}
	}
	if g.Outcome != pipeline.First && g.Champion == g.Candidate {
		said.Reasons = append(said.Reasons, v.Say("hub.run.same"))
	}
	view.Gate = &said
	return r.slices(ctx, v, one, &g, view)
}

// outcomeLook is the tone and shape of an outcome.
func outcomeLook(o gate.Outcome) (tone, shape string) {
	switch o {
	case gate.Promote:
		return "good", "well"
	case gate.Reject:
		return "bad", "bad"
	default:
		return "unsure", "unsure"
	}
}

// reason says what spoke for an outcome.
func (v *voice) reason(why gate.Reason) string {
	subject := why.Subject
	if why.Code == gate.GuardFell || why.Code == gate.GuardUnknown {
		subject = v.className(subject)
	}
	return v.Say("hub.run.reason."+string(why.Code), "subject", subject, "p", v.Decimal(why.P, 4))
}

// slices compares parts of the golden pictures, with intervals.
func (r *Runs) slices(ctx context.Context, v *voice, one *pipeline.Run, g *pipeline.Gate, view *runView) error {
	parts, err := r.Runs.Slices(ctx, one, g.Main)
	if err != nil {
		return err
	}
	share := func(t pipeline.Tally) string {
		if t.Images == 0 {
			return "–"
		}
		i := evaluate.Wilson(t.Right, t.Images)
		return v.span(&i.Value, &i.Low, &i.High)
	}
	for _, s := range parts {
		kind, name, _ := strings.Cut(s.Name, ":")
		if kind == "source" {
			name = v.Say("hub.samples.source." + name)
		}
		view.Slices = append(view.Slices, sliceRow{
			Name: v.Say("hub.run.slice."+kind, "name", name), Images: v.Whole(s.Candidate.Images), Candidate: share(s.Candidate), Champion: share(s.Champion),
		})
	}
	slices.SortStableFunc(view.Slices, func(a, b sliceRow) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// span writes a share with its interval.
func (v *voice) span(value, low, high *float64) string {
	switch {
	case value == nil:
		return "–"
	case low == nil || high == nil:
		return v.Percent(*value)
	}
	return v.Say("report.span", "value", v.Percent(*value), "low", v.Percent(*low), "high", v.Percent(*high))
}

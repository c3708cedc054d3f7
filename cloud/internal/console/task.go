package console

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/web"
)

// shownExamples is how many of the newest pictures of a class are shown.
const shownExamples = 4

// taskView states the problem and says what data there is.
type taskView struct {
	Classes  []classView
	Table    countsView
	LeftOut  []choice
	Lacks    []string // what is missing in words, none = it suffices
	Parts    []partView
	Features feature.Status
	Doubts   int
	Newest   *datasetView // newest version
	CanMake  bool
	CanLabel bool
	Any      bool // there is a labelled picture
}

type classView struct {
	Class    verdictView
	Means    string // in words
	Pictures int
	Groups   int
	Examples []cardView
}

// partView is pictures by one dimension.
type partView struct {
	Name    string
	Classes []verdictView
	Rows    []partRow
}

type partRow struct {
	Value  string
	Counts []int // one for each class, then all
}

// lacking says what is missing for training.
func (v *voice) lacking(reasons []dataset.Reason) []string {
	var out []string
	for _, r := range reasons {
		class := v.verdict(r.Class, nil).Word
		if r.Code == dataset.Side {
			out = append(out, v.Say("hub.task.lack.side", "class", class, "side", v.Say("hub.dataset.split."+string(r.Split)), "groups", r.Groups))
			continue
		}
		out = append(out, v.Say("hub.task.lack.few", "class", class, "pictures", v.Count("hub.task.pictures", r.Pictures), "groups", v.Count("hub.task.groups", r.Groups),
			"need", r.NeedImages, "need_groups", r.NeedGroups))
	}
	return out
}

func (d *Datasets) serveTask(c *gin.Context) {
	v := d.Console.voice(c)
	view, err := d.task(c.Request.Context(), v)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	who, _ := api.Who(c)
	view.CanMake, view.CanLabel = who.Role.Allows(people.Operator), who.Role.Allows(people.Labeller)
	d.Console.show(c, http.StatusOK, page{Name: "task", Nav: "training", Title: v.Say("hub.task.title"), Body: view})
}

func (d *Datasets) task(ctx context.Context, v *voice) (view taskView, err error) {
	m, err := d.Sets.Now(ctx)
	if err != nil {
		return view, err
	}
	counts := m.Count()
	view.Table, view.LeftOut, view.Lacks = v.counts(m, counts), v.leftOut(counts), v.lacking(d.Sets.Lacks(m))
	view.Any = len(m.Pictures)+len(m.LeftOut) > 0
	for _, class := range m.Classes {
		examples, _, _, err := d.Samples.List(ctx, sample.Filter{Label: string(class), Fault: sample.IsSound}, sample.Cursor{}, shownExamples)
		if err != nil {
			return view, err
		}
		one := classView{
			Class: v.verdict(class, nil), Means: v.Say("hub.task.class." + string(class)), Pictures: counts.Class[class].Pictures, Groups: counts.Class[class].Groups,
		}
		for i := range examples {
			one.Examples = append(one.Examples, v.card(&examples[i]))
		}
		view.Classes = append(view.Classes, one)
	}
	parts, err := d.Sets.Spread(ctx, m)
	if err != nil {
		return view, err
	}
	view.Parts = v.parts(m, parts)
	if view.Features, err = d.Features.Status(ctx); err != nil {
		return view, err
	}
	doubts, err := d.Doubts.Doubtful(ctx)
	if err != nil {
		return view, err
	}
	view.Doubts = len(doubts)
	newest, err := d.Sets.List(ctx, 0, 1)
	if err == nil && len(newest) == 1 {
		var one datasetView
		one, _, err = v.dataset(&newest[0])
		view.Newest = &one
	}
	return view, err
}

// maxRows bounds the values of a dimension that are shown.
const maxRows = 20

// parts are tables of where pictures come from and how old they are.
func (v *voice) parts(m *dataset.Manifest, parts []dataset.Part) []partView {
	var out []partView
	for _, p := range parts {
		name := v.Say("hub.task.by." + string(p.Dimension))
		if len(out) == 0 || out[len(out)-1].Name != name {
			view := partView{Name: name}
			for _, class := range m.Classes {
				view.Classes = append(view.Classes, v.verdict(class, nil))
			}
			out = append(out, view)
		}
		last := &out[len(out)-1]
		if len(last.Rows) == maxRows {
			continue
		}
		row := partRow{Value: v.partValue(p)}
		for _, class := range m.Classes {
			row.Counts = append(row.Counts, p.Counts[class])
		}
		row.Counts = append(row.Counts, p.All)
		last.Rows = append(last.Rows, row)
	}
	return out
}

func (v *voice) partValue(p dataset.Part) string {
	switch p.Dimension {
	case dataset.BySource:
		return v.Say("hub.samples.source." + p.Value)
	case dataset.ByAge:
		return v.Say("hub.task.age." + p.Value)
	}
	if p.Value == "" {
		return v.Say("hub.task.no_site")
	}
	return p.Value
}

type doubtView struct {
	Hash, Picture string
	Label         verdictView
	By            string
	When          web.Moment
	Text          string
}

func (d *Datasets) serveDoubtful(c *gin.Context) {
	v := d.Console.voice(c)
	list, err := d.Doubts.Doubtful(c.Request.Context())
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	views := make([]doubtView, len(list))
	for i, one := range list {
		views[i] = doubtView{one.Image, pictureOf(one.Image), v.verdict(one.Label, nil), one.By, v.ago(one.At), v.Say("hub.task.doubt.people")}
		if !one.Disagree {
			views[i].Text = v.Say("hub.task.doubt.model", "class", v.verdict(one.Class, nil).Word, "percent", v.Percent(one.Probability))
		}
	}
	d.Console.show(c, http.StatusOK, page{Name: "doubtful", Nav: "training", Title: v.Say("hub.task.doubtful"), Body: views})
}

package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/web"
)

// Datasets are the pages of the task and of its data sets.
type Datasets struct {
	Console  *Console
	Sets     *dataset.Store
	Doubts   *dataset.Doubts
	Samples  *sample.Store
	Features *feature.Index
}

const (
	datasetsPage = 50
	shownUses    = 50
	// shownChanges bounds the pictures of each kind of change.
	shownChanges = 60
)

// Section is the pages with their addresses. Other parts of training have
// sections of their own under the same entry of the menu.
func (d *Datasets) Section() Section {
	const form = 16 << 10
	return Section{Name: "training", Path: "/task", Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/task", Least: people.Viewer, Handler: d.serveTask},
			{Method: http.MethodGet, Path: "/task/doubtful", Least: people.Viewer, Handler: d.serveDoubtful},
			{Method: http.MethodGet, Path: "/datasets", Least: people.Viewer, Handler: d.serve},
			{Method: http.MethodPost, Path: "/datasets", Least: people.Operator, Limit: form, Slow: true, Handler: d.make},
			{Method: http.MethodGet, Path: "/datasets/:number", Least: people.Viewer, Handler: d.serveOne},
			{Method: http.MethodGet, Path: "/datasets/:number/changes", Least: people.Viewer, Handler: d.serveChanges},
		},
		Steps: []Step{{Name: "features", Path: "/task", Least: people.Viewer, Count: func(ctx context.Context) (Count, error) {
			s, err := d.Features.Status(ctx)
			return Count{Done: s.Embedded}, err
		}}},
	}
}

type datasetsView struct {
	Sets    []datasetView
	CanMake bool
	Pager   pager
}

// datasetView is a data set in a line.
type datasetView struct {
	Number   int64
	ID       string
	Pictures int
	Groups   int
	LeftOut  int
	By       string
	Made     web.Moment
	AsOf     web.Moment
	Bytes    int64
}

func (v *voice) dataset(one *dataset.Version) (datasetView, dataset.Counts, error) {
	counts, err := one.Counts()
	view := datasetView{
		Number: one.Number, ID: one.Manifest, Pictures: counts.All.Pictures, Groups: counts.All.Groups,
		By: one.MadeBy, Made: v.ago(one.Made()), AsOf: v.ago(one.Revision()), Bytes: one.Bytes,
	}
	for _, n := range counts.LeftOut {
		view.LeftOut += n
	}
	return view, counts, err
}

func (d *Datasets) serve(c *gin.Context) {
	v := d.Console.voice(c)
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // else 0: the newest
	list, err := d.Sets.List(c.Request.Context(), before, datasetsPage+1)
	more := len(list) > datasetsPage
	list = list[:min(len(list), datasetsPage)]
	who, _ := api.Who(c)
	view := datasetsView{CanMake: who.Role.Allows(people.Operator)}
	for i := range list {
		one, _, failed := v.dataset(&list[i])
		err = errors.Join(err, failed)
		view.Sets = append(view.Sets, one)
	}
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	if len(list) > 0 {
		view.Pager = pagesBy(c, strconv.FormatInt(list[len(list)-1].Number, 10), more)
	}
	d.Console.show(c, http.StatusOK, page{Name: "datasets", Nav: "training", Title: v.Say("hub.dataset.title"), Body: view})
}

func (d *Datasets) make(c *gin.Context) {
	who, _ := api.Who(c)
	version, created, err := d.Sets.Make(c.Request.Context(), time.Time{}, who.Name)
	switch {
	case errors.Is(err, dataset.ErrEmpty):
		d.Console.flash(c, "hub.dataset.nothing")
		c.Redirect(http.StatusSeeOther, "/datasets")
		return
	case err != nil:
		d.Console.fail(c, err)
		return
	case created:
		d.Console.flash(c, "hub.dataset.made", "number", version.Number)
	default:
		d.Console.flash(c, "hub.dataset.same", "number", version.Number)
	}
	c.Redirect(http.StatusSeeOther, "/datasets/"+strconv.FormatInt(version.Number, 10))
}

// versionOf finds the data set of an address.
func (d *Datasets) versionOf(c *gin.Context, number string) (dataset.Version, bool) {
	n, _ := strconv.ParseInt(number, 10, 64) // 0 is none
	one, err := d.Sets.Get(c.Request.Context(), n)
	switch {
	case errors.Is(err, dataset.ErrNotFound):
		d.Console.ShowError(c, http.StatusNotFound, "not_found")
	case err != nil:
		d.Console.fail(c, err)
	}
	return one, err == nil
}

type oneDatasetView struct {
	Set       datasetView
	Table     countsView
	LeftOut   []choice // why in words, and how many
	Golden    int      // percent, by the rules it was made by
	Lacks     []string
	Uses      []useView
	Others    []choice // to compare with
	CanExport bool
}

// countsView is pictures by class and side.
type countsView struct {
	Splits []string
	Rows   []countsRow
	All    []cellView
}

type countsRow struct {
	Class verdictView
	Cells []cellView // one for each side, then all
}

type cellView struct{ Pictures, Groups int }

type useView struct {
	When     web.Moment
	By       string
	Purpose  string
	Pictures int64
}

func (v *voice) counts(m *dataset.Manifest, c dataset.Counts) countsView {
	var view countsView
	for _, split := range dataset.Splits() {
		view.Splits = append(view.Splits, v.Say("hub.dataset.split."+string(split)))
		view.All = append(view.All, cellView(c.Split[split]))
	}
	view.All = append(view.All, cellView(c.All))
	for _, class := range m.Classes {
		row := countsRow{Class: v.verdict(class, nil)}
		for _, split := range dataset.Splits() {
			row.Cells = append(row.Cells, cellView(c.Cells[class][split]))
		}
		row.Cells = append(row.Cells, cellView(c.Class[class]))
		view.Rows = append(view.Rows, row)
	}
	return view
}

// leftOut says why labelled pictures are not in a data set, and how many.
func (v *voice) leftOut(c dataset.Counts) []choice {
	var out []choice
	for _, why := range dataset.Whys() {
		if n := c.LeftOut[why]; n > 0 {
			out = append(out, choice{Label: v.Say("hub.dataset.why." + string(why)), Value: v.Whole(n)})
		}
	}
	return out
}

func (d *Datasets) serveOne(c *gin.Context) {
	ctx, v := c.Request.Context(), d.Console.voice(c)
	one, ok := d.versionOf(c, c.Param("number"))
	if !ok {
		return
	}
	m, err := d.Sets.Open(ctx, one.Manifest)
	var uses []dataset.Use
	if err == nil {
		uses, err = d.Sets.Uses(ctx, one.Manifest, shownUses)
	}
	var others []dataset.Version
	if err == nil {
		others, err = d.Sets.List(ctx, one.Number, datasetsPage)
	}
	var view oneDatasetView
	var counts dataset.Counts
	if err == nil {
		view.Set, counts, err = v.dataset(&one)
	}
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	who, _ := api.Who(c)
	view.Table, view.LeftOut, view.Golden, view.CanExport = v.counts(m, counts), v.leftOut(counts), m.Rules.GoldenPercent, who.Role.Allows(people.Operator)
	view.Lacks = v.lacking(d.Sets.Lacks(m))
	for _, use := range uses {
		view.Uses = append(view.Uses, useView{v.ago(use.When()), use.By, v.sayOr("hub.dataset.purpose."+use.Purpose, use.Purpose), use.Pictures})
	}
	for i := range others {
		n := strconv.FormatInt(others[i].Number, 10)
		view.Others = append(view.Others, choice{Value: n, Label: v.Say("hub.dataset.number", "number", n)})
	}
	d.Console.show(c, http.StatusOK, page{Name: "dataset", Nav: "training", Title: v.Say("hub.dataset.number", "number", one.Number), Body: view})
}

type differenceView struct {
	Number, Since int64
	Kinds         []changesOf
	Same          bool
}

// changesOf is one kind of change.
type changesOf struct {
	Name  string
	Text  string
	Cards []changedCard
	More  int // that are not shown
}

type changedCard struct {
	Hash, Picture string
	From, To      *verdictView
}

func (d *Datasets) serveChanges(c *gin.Context) {
	ctx, v := c.Request.Context(), d.Console.voice(c)
	one, ok := d.versionOf(c, c.Param("number"))
	if !ok {
		return
	}
	before, ok := d.versionOf(c, c.Query("since"))
	if !ok {
		return
	}
	was, err := d.Sets.Open(ctx, before.Manifest)
	var now *dataset.Manifest
	if err == nil {
		now, err = d.Sets.Open(ctx, one.Manifest)
	}
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	view := differenceView{Number: one.Number, Since: before.Number, Kinds: v.changesOf(dataset.Compare(was, now))}
	view.Same = len(view.Kinds) == 0
	d.Console.show(c, http.StatusOK, page{
		Name: "difference", Nav: "training", Title: v.Say("hub.dataset.changes", "number", one.Number, "since", before.Number), Body: view,
	})
}

// changesOf says what changed; kinds without a picture are left out.
func (v *voice) changesOf(diff dataset.Difference) []changesOf {
	var added, removed, relabelled []changedCard
	for i := range diff.Added {
		added = append(added, changedCard{diff.Added[i].Image, pictureOf(diff.Added[i].Image), nil, v.maybe(diff.Added[i].Class)})
	}
	for i := range diff.Removed {
		removed = append(removed, changedCard{diff.Removed[i].Image, pictureOf(diff.Removed[i].Image), v.maybe(diff.Removed[i].Class), nil})
	}
	for _, one := range diff.Relabelled {
		relabelled = append(relabelled, changedCard{one.Image, pictureOf(one.Image), v.maybe(one.From), v.maybe(one.To)})
	}
	var out []changesOf
	for _, kind := range []struct {
		name  string
		cards []changedCard
	}{{"relabelled", relabelled}, {"added", added}, {"removed", removed}} {
		if n := len(kind.cards); n > 0 {
			shown := kind.cards[:min(n, shownChanges)]
			out = append(out, changesOf{kind.name, v.Count("hub.dataset.change."+kind.name, n), shown, n - len(shown)})
		}
	}
	return out
}

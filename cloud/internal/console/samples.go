package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// Samples are the pages of pictures: the grid, one picture, and imports.
type Samples struct {
	Console *Console
	Samples *sample.Store
	Labels  *label.Store
	Import  *api.Samples // takes archives
}

const (
	samplesPage = 60
	manyForm    = 64 << 10 // a page of picks
)

// Section is the pages with their addresses.
func (s *Samples) Section() Section {
	const form = 16 << 10
	return Section{Name: "samples", Path: "/samples", Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/samples", Least: people.Viewer, Handler: s.serve},
			{Method: http.MethodGet, Path: "/samples/:hash", Least: people.Viewer, Handler: s.serveOne},
			{Method: http.MethodPost, Path: "/samples/:hash/label", Least: people.Labeller, Limit: form, Handler: s.takeLabel},
			{Method: http.MethodPost, Path: "/samples/:hash/delete", Least: people.Admin, Limit: form, Handler: s.remove},
			{Method: http.MethodPost, Path: "/samples/many", Least: people.Labeller, Limit: manyForm, Slow: true, Handler: s.many},
			{Method: http.MethodPost, Path: "/samples/many/undo", Least: people.Labeller, Limit: form, Slow: true, Handler: s.undoMany},
			{Method: http.MethodPost, Path: "/samples/download", Least: people.Viewer, Limit: manyForm, Slow: true, Handler: s.download},
			{Method: http.MethodPost, Path: "/samples/import", Least: people.Operator, Limit: sample.MaxArchive + 64<<10, Slow: true, Handler: s.takeImport},
		},
		Steps: []Step{
			{Name: "collect", Path: "/samples", Least: people.Viewer, Count: func(ctx context.Context) (Count, error) {
				n, err := s.Samples.Count(ctx, sample.Filter{})
				return Count{Done: n}, err
			}},
			{Name: "verify", Path: "/samples?fault=sound", Least: people.Viewer, Count: func(ctx context.Context) (Count, error) {
				n, err := s.Samples.Count(ctx, sample.Filter{Fault: sample.IsSound})
				return Count{Done: n}, err
			}},
		},
	}
}

type samplesView struct {
	Count     int
	Total     sample.Total
	Filters   []filterView
	Filtered  bool
	Cards     []cardView
	Pager     pager
	CanImport bool
	CanLabel  bool
	Export    string // query of exports with the same filter
	Many      manyView
}

// filterView is one list of the filter form.
type filterView struct {
	Name, Label string
	Choices     []choice
}

type cardView struct {
	Hash, Picture string
	Version       int64  // of the label that is shown
	Marks         string // what people did to it, in words
	Label         *verdictView
	Verdict       *verdictView
	Fault         string
	From          string
	When          web.Moment
}

func (s *Samples) serve(c *gin.Context) {
	ctx, v, filter := c.Request.Context(), s.Console.voice(c), api.SampleFilter(c)
	after, ok := api.CursorOf(c.Query("before"))
	if !ok {
		s.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	list, next, more, err := s.Samples.List(ctx, filter, after, samplesPage)
	if err != nil {
		s.Console.fail(c, err)
		return
	}
	view := samplesView{Filtered: filter != sample.Filter{}, Pager: pagesBy(c, api.CursorText(next), more), Export: exportQuery(c)}
	who, _ := api.Who(c)
	view.CanImport, view.CanLabel = who.Role.Allows(people.Operator), who.Role.Allows(people.Labeller)
	if view.Count, err = s.Samples.Count(ctx, filter); err == nil {
		view.Total, err = s.Samples.Total(ctx)
	}
	if err == nil {
		view.Filters, err = s.filters(ctx, v, filter)
	}
	if err != nil {
		s.Console.fail(c, err)
		return
	}
	view.Many = s.manyView(c, who.Role, view.Count)
	for i := range list {
		view.Cards = append(view.Cards, v.card(&list[i]))
	}
	s.Console.show(c, http.StatusOK, page{Name: "samples", Nav: "samples", Title: v.Say("hub.samples.title"), Scripts: []string{"many.js"}, Body: view})
}

// exportQuery is the filter of an address without its page.
func exportQuery(c *gin.Context) string {
	query := c.Request.URL.Query()
	query.Del("before")
	query.Del("batch")
	return query.Encode()
}

func (v *voice) card(one *sample.Sample) cardView {
	view := cardView{Hash: one.Hash, Version: one.LabelVersion, Picture: pictureOf(one.Hash), When: v.ago(one.Received()), From: v.from(one)}
	if one.Label != "" {
		named := v.verdict(wire.Verdict(one.Label), nil)
		view.Label = &named
	} else if one.Verdict != "" {
		named := v.verdict(one.Verdict, nil)
		view.Verdict = &named
	}
	view.Fault = v.faultOf(one)
	var marks []string
	switch one.Queue {
	case sample.QueuedByHand:
		marks = append(marks, v.Say("hub.samples.mark."+sample.MarkQueued))
	case sample.Unqueued:
		marks = append(marks, v.Say("hub.samples.mark."+sample.MarkUnqueued))
	}
	if one.LeftOut {
		marks = append(marks, v.Say("hub.samples.mark."+sample.MarkLeftOut))
	}
	view.Marks = strings.Join(marks, ", ")
	return view
}

func pictureOf(hash string) string { return "/api/v1/samples/" + hash + "/picture" }

// from says where a picture comes from.
func (v *voice) from(one *sample.Sample) string {
	switch {
	case one.Source == sample.FromBoard && one.Site != "":
		return one.Site + " · " + one.Camera
	case one.Source == sample.FromBoard:
		return one.Device + " · " + one.Camera
	case one.Site != "":
		return v.Say("hub.samples.source."+string(one.Source)) + " · " + one.Site
	default:
		return v.Say("hub.samples.source." + string(one.Source))
	}
}

func (v *voice) faultOf(one *sample.Sample) string {
	switch {
	case one.DuplicateOf != "":
		return v.Say("hub.samples.fault." + string(sample.Duplicate))
	case one.Fault != sample.Sound:
		return v.Say("hub.samples.fault." + string(one.Fault))
	}
	return ""
}

// filters are the lists of the filter form, as the address has them chosen.
func (s *Samples) filters(ctx context.Context, v *voice, f sample.Filter) ([]filterView, error) {
	known, err := s.Samples.Choices(ctx)
	if err != nil {
		return nil, err
	}
	list := func(name, chosen, prefix string, values ...string) filterView {
		one := filterView{Name: name, Label: v.Say("hub.samples.filter." + name), Choices: []choice{{"", v.Say("hub.samples.filter.all"), chosen == ""}}}
		for _, value := range values {
			word := value
			if prefix != "" {
				word = v.sayOr(prefix+value, value)
			}
			one.Choices = append(one.Choices, choice{value, word, value == chosen})
		}
		return one
	}
	labels := list("label", f.Label, "hub.samples.label.", sample.NoLabel, sample.AnyLabel, sample.Disputed)
	for _, one := range v.labels() {
		labels.Choices = append(labels.Choices, choice{string(one.Name), one.Word, string(one.Name) == f.Label})
	}
	return []filterView{
		labels,
		list("source", string(f.Source), "hub.samples.source.", string(sample.FromBoard), string(sample.FromVisitor), string(sample.FromImport)),
		list("site", f.Site, "", known.Sites...),
		list("device", f.Device, "", known.Devices...),
		list("why", string(f.Why), "hub.samples.why.", string(wire.WhyUnsure), string(wire.WhyNotPumpkin), string(wire.WhyRandom), string(wire.WhyCorrection)),
		list("verdict", string(f.Verdict), "verdict.", string(wire.Good), string(wire.Regular), string(wire.Bad), string(wire.NotPumpkin), string(wire.Unsure)),
		list("fault", f.Fault, "hub.samples.fault.", sample.IsSound, string(sample.Duplicate), string(sample.Dark), string(sample.Bright), string(sample.Blurred)),
		list("mark", f.Mark, "hub.samples.mark.", sample.MarkQueued, sample.MarkUnqueued, sample.MarkLeftOut),
	}, nil
}

type oneView struct {
	Card     cardView
	Sample   sample.Sample
	Taken    web.Moment
	Why      string
	Verdict  *verdictView
	Farmer   *verdictView // what the farmer said
	Labels   []verdictView
	Version  int64
	History  []stepView
	CanLabel bool
	CanErase bool
	Gone     bool
}

type stepView struct {
	Text string
	When web.Moment
}

func (s *Samples) serveOne(c *gin.Context) {
	ctx, v := c.Request.Context(), s.Console.voice(c)
	one, err := s.Samples.Get(ctx, c.Param("hash"))
	if errors.Is(err, sample.ErrNotFound) {
		s.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	var history []label.Event
	if err == nil {
		history, err = s.Labels.History(ctx, one.Hash)
	}
	if err != nil {
		s.Console.fail(c, err)
		return
	}
	who, _ := api.Who(c)
	view := oneView{
		Card: v.card(&one), Sample: one, Taken: v.ago(one.Captured()), Labels: v.labels(), Version: one.LabelVersion,
		CanLabel: who.Role.Allows(people.Labeller), CanErase: who.Role.Allows(people.Admin), Gone: one.State != sample.Kept,
	}
	if one.Why != "" {
		view.Why = v.Say("hub.samples.why." + string(one.Why))
	}
	view.Verdict, view.Farmer = v.maybe(one.Verdict), v.maybe(one.Correction)
	for i := range history {
		e := &history[i]
		key := "hub.samples.step." + e.What
		if e.To == "" {
			key = "hub.samples.step.none"
		}
		view.History = append(view.History, stepView{v.Say(key, "who", e.By, "label", v.verdict(e.To, nil).Word), v.ago(e.When())})
	}
	s.Console.show(c, http.StatusOK, page{Name: "sample", Nav: "samples", Title: v.Say("hub.samples.picture"), Body: view})
}

func (v *voice) maybe(name wire.Verdict) *verdictView {
	if name == "" {
		return nil
	}
	view := v.verdict(name, nil)
	return &view
}

func (s *Samples) takeLabel(c *gin.Context) {
	who, _ := api.Who(c)
	err := s.Labels.Set(c.Request.Context(), c.Param("hash"), wire.Verdict(c.PostForm("label")), versionOf(c), who.Name)
	switch {
	case errors.Is(err, label.ErrChanged):
		s.Console.flash(c, "hub.label.changed")
	case errors.Is(err, label.ErrNotFound), errors.Is(err, label.ErrUnknown):
		s.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	case err != nil:
		s.Console.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/samples/"+url.PathEscape(c.Param("hash")))
}

func (s *Samples) remove(c *gin.Context) {
	v, hash := s.Console.voice(c), c.Param("hash")
	one, err := s.Samples.Get(c.Request.Context(), hash)
	if err != nil {
		s.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	if !s.Console.ask(c, question{
		Nav: "samples", Title: v.Say("hub.samples.delete_title"), Facts: []string{v.Say("hub.samples.delete_fact", "from", v.from(&one))},
		Undo: v.Say("hub.samples.delete_undo"), Button: v.Say("hub.samples.delete_button"), Back: "/samples/" + url.PathEscape(hash),
	}) {
		return
	}
	who, _ := api.Who(c)
	err = s.Samples.Delete(c.Request.Context(), hash)
	if err == nil {
		err = s.Console.opts.Audit.Write(c.Request.Context(), who.Name, "sample.delete", hash, "")
	}
	if err != nil {
		s.Console.fail(c, err)
		return
	}
	s.Console.flash(c, "hub.samples.deleted")
	c.Redirect(http.StatusSeeOther, "/samples")
}

// takeImport reads the options of the form, which come before the file.
func (s *Samples) takeImport(c *gin.Context) {
	form, err := c.Request.MultipartReader()
	if err != nil {
		s.importFailed(c, "hub.samples.import_none")
		return
	}
	folders, poor, doubtful := false, false, false
	for {
		part, err := form.NextPart()
		if err != nil {
			s.importFailed(c, "hub.samples.import_none")
			return
		}
		switch part.FormName() {
		case "folders":
			folders = true
		case "poor":
			poor = true
		case "doubtful":
			doubtful = true
		case "archive":
			if part.FileName() == "" {
				s.importFailed(c, "hub.samples.import_none")
				return
			}
			one, err := s.Import.Import(c, part, sample.Import{Name: part.FileName(), KeepPoor: poor, KeepUnlikely: doubtful}, folders)
			if err != nil {
				s.Console.opts.Log.Warn("import", "error", err)
				s.importFailed(c, "hub.samples.import_failed")
				return
			}
			c.Redirect(http.StatusSeeOther, "/jobs/"+strconv.FormatInt(one.ID, 10))
			return
		}
	}
}

func (s *Samples) importFailed(c *gin.Context, key string) {
	s.Console.flash(c, key)
	c.Redirect(http.StatusSeeOther, "/samples")
}

package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// Labelling is the page on which a person labels one picture after the other.
type Labelling struct {
	Console *Console
	Samples *sample.Store
	Labels  *label.Store
	Enough  func() int // pictures of each class that make a model worth training
}

// ahead is how many pictures are loaded before they are shown.
const ahead = 2

// Section is the page with its addresses.
func (l *Labelling) Section() Section {
	const form = 16 << 10
	return Section{Name: "labelling", Path: "/label", Least: people.Labeller,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: "/label", Least: people.Labeller, Handler: l.serve},
			{Method: http.MethodPost, Path: "/label", Least: people.Labeller, Limit: form, Handler: l.take},
			{Method: http.MethodPost, Path: "/label/undo", Least: people.Labeller, Limit: form, Handler: l.undo},
			{Method: http.MethodPost, Path: "/label/leave", Least: people.Labeller, Limit: form, Handler: l.leave},
		},
		Steps: []Step{{Name: "label", Path: "/label", Least: people.Labeller, Count: func(ctx context.Context) (Count, error) {
			p, err := l.Labels.Progress(ctx, sample.Filter{})
			return Count{Done: p.Labelled, Waiting: p.Waiting}, err
		}}},
	}
}

type labelView struct {
	Card     *cardView // nil = nothing waits
	Farmer   *verdictView
	Version  int64
	Ahead    []string // pictures that come next
	Keys     []keyView
	Query    string // filter, to come back to
	Done     int
	Waiting  int
	Balance  []likelyView // labels so far
	TooFew   bool
	Filtered bool
}

// keyView is a label with its key.
type keyView struct {
	Key     int
	Verdict verdictView
}

func (l *Labelling) serve(c *gin.Context) {
	ctx, v, filter := c.Request.Context(), l.Console.voice(c), api.SampleFilter(c)
	who, _ := api.Who(c)
	list, err := l.Labels.Next(ctx, who.Name, filter, 1+ahead)
	if err != nil {
		l.Console.fail(c, err)
		return
	}
	progress, err := l.Labels.Progress(ctx, filter)
	if err != nil {
		l.Console.fail(c, err)
		return
	}
	view := labelView{
		Query: c.Request.URL.RawQuery, Done: progress.Labelled, Waiting: progress.Waiting, Filtered: filter != sample.Filter{},
	}
	for i := range list {
		if i > 0 {
			view.Ahead = append(view.Ahead, pictureOf(list[i].Hash))
			continue
		}
		one, err := l.Samples.Get(ctx, list[0].Hash) // with the version of a label that was taken back
		if err != nil {
			l.Console.fail(c, err)
			return
		}
		card := v.card(&one)
		view.Card, view.Version, view.Farmer = &card, one.LabelVersion, v.maybe(one.Correction)
	}
	enough := l.Enough()
	for i, one := range v.labels() {
		view.Keys = append(view.Keys, keyView{i + 1, one})
		n := progress.ByLabel[one.Name]
		view.TooFew = view.TooFew || n < enough && one.Name != label.CantTell
		share := 0
		if progress.Labelled > 0 {
			share = 100 * n / progress.Labelled
		}
		view.Balance = append(view.Balance, likelyView{one, v.Whole(n), strconv.Itoa(share)})
	}
	l.Console.show(c, http.StatusOK, page{Name: "label", Nav: "labelling", Title: v.Say("hub.label.title"), Scripts: []string{"label.js"}, Body: view})
}

// versionOf is the version of the label that the person saw.
func versionOf(c *gin.Context) int64 {
	version, err := strconv.ParseInt(c.PostForm("version"), 10, 64)
	if err != nil {
		return -1 // of no label
	}
	return version
}

func (l *Labelling) take(c *gin.Context) {
	who, _ := api.Who(c)
	err := l.Labels.Set(c.Request.Context(), c.PostForm("hash"), wire.Verdict(c.PostForm("label")), versionOf(c), who.Name)
	switch {
	case errors.Is(err, label.ErrChanged):
		l.Console.flash(c, "hub.label.changed")
	case errors.Is(err, label.ErrNotFound):
		l.Console.flash(c, "hub.label.gone")
	case errors.Is(err, label.ErrUnknown):
		l.Console.flash(c, "hub.label.unknown")
	case err != nil:
		l.Console.fail(c, err)
		return
	}
	l.again(c)
}

func (l *Labelling) undo(c *gin.Context) {
	who, _ := api.Who(c)
	_, err := l.Labels.Undo(c.Request.Context(), who.Name)
	switch {
	case errors.Is(err, label.ErrNothing):
		l.Console.flash(c, "hub.label.nothing_to_undo")
	case errors.Is(err, label.ErrChanged):
		l.Console.flash(c, "hub.label.changed")
	case err != nil:
		l.Console.fail(c, err)
		return
	default:
		l.Console.flash(c, "hub.label.undone")
	}
	l.again(c)
}

// leave frees the pictures that this person holds.
func (l *Labelling) leave(c *gin.Context) {
	who, _ := api.Who(c)
	if err := l.Labels.Release(c.Request.Context(), who.Name); err != nil {
		l.Console.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/")
}

// again goes on with the same filter.
func (l *Labelling) again(c *gin.Context) {
	target := url.URL{Path: "/label"}
	if query, err := url.ParseQuery(c.PostForm("query")); err == nil {
		target.RawQuery = query.Encode()
	}
	c.Redirect(http.StatusSeeOther, target.RequestURI())
}

package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// didDelete is what is no batch: nothing takes it back.
const didDelete = "delete"

// operation is something that can be done with many pictures.
type operation struct {
	What  string // of a sample.Batch, or didDelete
	Label wire.Verdict
	Least people.Role
}

// value is the operation as a form has it.
func (o operation) value() string {
	if o.Label != "" {
		return o.What + ":" + string(o.Label)
	}
	return o.What
}

// operations are all, in the order of the list.
func operations() []operation {
	var all []operation
	for _, name := range label.Labels() {
		all = append(all, operation{sample.DidLabel, name, people.Labeller})
	}
	for _, what := range []string{sample.DidQueue, sample.DidUnqueue, sample.DidAuto} {
		all = append(all, operation{What: what, Least: people.Labeller})
	}
	for _, what := range []string{sample.DidLeave, sample.DidTake} {
		all = append(all, operation{What: what, Least: people.Operator})
	}
	return append(all, operation{What: didDelete, Least: people.Admin})
}

// manyView is what a list needs for actions on many of its entries.
type manyView struct {
	Operations []choice
	Count      int    // of all that the filter leaves
	Query      string // the filter, to come back to
	Seen       int64  // when the list was read, in microseconds
	Last       *batchView
}

// batchView is what was just done, which can be taken back.
type batchView struct{ ID, Text string }

func (s *Samples) manyView(c *gin.Context, role people.Role, count int) manyView {
	v := s.Console.voice(c)
	view := manyView{Count: count, Query: exportQuery(c), Seen: time.Now().UnixMicro()}
	for _, o := range operations() {
		if role.Allows(o.Least) {
			view.Operations = append(view.Operations, choice{Value: o.value(), Label: v.operation(o.What, o.Label)})
		}
	}
	who, _ := api.Who(c)
	if id := c.Query("batch"); id != "" {
		if b, err := s.Samples.Batch(c.Request.Context(), id, who.Name); err == nil { // else it was taken back
			view.Last = &batchView{b.ID, v.Count("hub.many.did", int(b.Count), "what", v.operation(b.What, wire.Verdict(b.Label)))}
		}
	}
	return view
}

// operation says what is done.
func (v *voice) operation(what string, name wire.Verdict) string {
	if name != "" {
		return v.Say("hub.many.label", "label", v.verdict(name, nil).Word)
	}
	return v.Say("hub.many." + what)
}

// selectionOf reads what a form chose.
func selectionOf(c *gin.Context) sample.Selection {
	micros, err := strconv.ParseInt(c.PostForm("seen"), 10, 64)
	if err != nil {
		micros = 0 // nothing was there then
	}
	sel := sample.Selection{All: c.PostForm("scope") == "all", Seen: time.UnixMicro(micros)}
	if sel.All {
		if query, err := url.ParseQuery(c.PostForm("query")); err == nil {
			sel.Filter = api.FilterOf(query)
		}
		return sel
	}
	for _, one := range c.PostFormArray("pick") {
		hash, text, _ := strings.Cut(one, ".")
		if version, err := strconv.ParseInt(text, 10, 64); err == nil {
			sel.Picks = append(sel.Picks, sample.Pick{Hash: hash, Version: version})
		}
	}
	return sel
}

// backTo is the list with its filter.
func backTo(c *gin.Context, path, batch string) {
	target := url.URL{Path: path}
	query, err := url.ParseQuery(c.PostForm("query"))
	if err != nil {
		query = url.Values{}
	}
	if batch != "" {
		query.Set("batch", batch)
	}
	target.RawQuery = query.Encode()
	c.Redirect(http.StatusSeeOther, target.RequestURI())
}

// many does one thing with all pictures that were chosen.
func (s *Samples) many(c *gin.Context) {
	who, _ := api.Who(c)
	var op operation
	for _, o := range operations() {
		if o.value() == c.PostForm("what") {
			op = o
		}
	}
	sel := selectionOf(c)
	switch {
	case op.What == "" || !sel.All && len(sel.Picks) == 0:
		s.Console.flash(c, "hub.many.nothing")
		backTo(c, "/samples", "")
		return
	case !who.Role.Allows(op.Least):
		s.Console.ShowError(c, http.StatusForbidden, "role_too_low")
		return
	}
	wanted, err := s.wanted(c, sel)
	if err != nil {
		s.Console.fail(c, err)
		return
	}
	if (sel.All || op.What == didDelete) && !s.sureOfMany(c, op, wanted) {
		return
	}
	batch, err := s.do(c.Request.Context(), op, sel, who.Name)
	if err != nil {
		s.Console.opts.Log.Error("an action on many pictures stopped", "what", op.value(), "done", batch.Count, "error", err)
		s.Console.flash(c, "hub.many.stopped", "done", batch.Count, "wanted", wanted)
		backTo(c, "/samples", batch.ID)
		return
	}
	s.sayMany(c, op, int(batch.Count), wanted)
	backTo(c, "/samples", batch.ID)
}

// wanted is how many pictures the person was told of. The question carries the
// number on, so that what changes until the answer is noticed.
func (s *Samples) wanted(c *gin.Context, sel sample.Selection) (int, error) {
	if !sel.All {
		return len(sel.Picks), nil
	}
	if n, err := strconv.Atoi(c.PostForm("wanted")); err == nil {
		return n, nil
	}
	n, err := s.Samples.Count(c.Request.Context(), sel.Filter)
	c.Request.PostForm.Set("wanted", strconv.Itoa(n))
	return n, err
}

func (s *Samples) sureOfMany(c *gin.Context, op operation, wanted int) bool {
	v := s.Console.voice(c)
	name := v.operation(op.What, op.Label)
	undo := "hub.many.undo_possible"
	if op.What == didDelete {
		undo = "hub.many.undo_impossible"
	}
	return s.Console.ask(c, question{
		Nav: "samples", Title: v.Count("hub.many.ask", wanted, "what", name), Facts: []string{v.Say("hub.many.fact")},
		Undo: v.Say(undo), Button: v.Count("hub.many.button", wanted, "what", name), Back: "/samples",
	})
}

// do does it, portion by portion, and writes down what was done, also where it
// stopped half-way.
func (s *Samples) do(ctx context.Context, op operation, sel sample.Selection, who string) (sample.Batch, error) {
	batch := sample.NewBatch(op.What, string(op.Label), who)
	err := s.Samples.Portions(ctx, sel, func(ctx context.Context, picks []sample.Pick) error {
		var n int
		var err error
		switch op.What {
		case sample.DidLabel:
			n, err = s.Labels.SetMany(ctx, batch.ID, picks, op.Label, who)
		case didDelete:
			n, err = s.Samples.DeleteMany(ctx, picks)
		default:
			n, err = s.Samples.Mark(ctx, batch, picks)
		}
		batch.Count += int64(n)
		return err
	})
	if batch.Count == 0 {
		batch.ID = ""
		return batch, err
	}
	keep := context.WithoutCancel(ctx) // it was done, whoever went away
	err = errors.Join(err, s.Console.opts.Audit.Write(keep, who, "sample.many", op.value(), strconv.FormatInt(batch.Count, 10)))
	if op.What == didDelete {
		batch.ID = ""
		return batch, err
	}
	return batch, errors.Join(err, s.Samples.KeepBatch(keep, batch))
}

func (s *Samples) sayMany(c *gin.Context, op operation, done, wanted int) {
	v := s.Console.voice(c)
	text := v.Count("hub.many.did", done, "what", v.operation(op.What, op.Label))
	if left := wanted - done; left > 0 {
		text += " " + v.Count("hub.many.left", left)
	}
	s.Console.opts.Sessions.Flash(c.Request.Context(), text)
}

// undoMany takes back what this person did with many pictures.
func (s *Samples) undoMany(c *gin.Context) {
	ctx := c.Request.Context()
	who, _ := api.Who(c)
	b, err := s.Samples.Batch(ctx, c.PostForm("batch"), who.Name)
	if err == nil {
		err = s.Samples.TakeBack(ctx, b.ID, who.Name)
	}
	done := 0
	if err == nil && b.What == sample.DidLabel {
		done, err = s.Labels.UndoMany(ctx, b.ID, who.Name)
	} else if err == nil {
		done, err = s.Samples.Unmark(ctx, b)
	}
	switch {
	case errors.Is(err, sample.ErrUndone):
		s.Console.flash(c, "hub.label.nothing_to_undo")
	case err != nil:
		s.Console.fail(c, err)
		return
	default:
		v := s.Console.voice(c)
		text := v.Count("hub.many.undone", done)
		if left := int(b.Count) - done; left > 0 {
			text += " " + v.Count("hub.many.left", left)
		}
		s.Console.opts.Sessions.Flash(ctx, text)
		if err := s.Console.opts.Audit.Write(ctx, who.Name, "sample.many_undo", b.What, strconv.Itoa(done)); err != nil {
			s.Console.fail(c, err)
			return
		}
	}
	backTo(c, "/samples", "")
}

// download answers with an archive of the pictures that were chosen.
func (s *Samples) download(c *gin.Context) {
	sel := selectionOf(c)
	if !sel.All && len(sel.Picks) == 0 {
		s.Console.flash(c, "hub.many.nothing")
		backTo(c, "/samples", "")
		return
	}
	c.Header("Content-Type", "application/zip")
	c.Header("Content-Disposition", `attachment; filename="pictures.zip"`)
	if err := s.Samples.WriteZip(c.Request.Context(), sel, c.Writer); err != nil {
		s.Console.opts.Log.Warn("a download of pictures stopped", "error", err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

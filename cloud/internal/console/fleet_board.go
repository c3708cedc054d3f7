package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/ingest"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

const (
	shownEvents = 40
	shownDays   = 7
)

// boardView is the page of one board.
type boardView struct {
	boardRow
	Fault     string
	Reported  web.Moment // when it last said how it is
	Stale     bool       // that is what it said before it went away
	Problems  []problem
	Days      []dayView
	Cameras   []cameraView
	Facts     []choice // name and value
	Log       []logLine
	History   []changeOf
	Operator  bool
	Admin     bool
	Gone      bool // removed
	Revoked   bool
	Successor string
	Settings  *settingsView // nil = it has told none
	Update    *updateView   // nil = the hub has brought it no model
	Others    []choice      // boards that may take its place, the newest first
}

type dayView struct {
	Day    string
	Counts []verdictCount
}

type verdictCount struct {
	Verdict verdictView
	N       int
}

type cameraView struct {
	Name, Source    string
	Frame           web.Moment
	Rate            string
	Scored, Dropped int
}

type logLine struct {
	When        web.Moment
	Level, Text string
}

type changeOf struct {
	When         web.Moment
	What, Detail string
}

func number(typed string) int {
	n, err := strconv.Atoi(typed)
	if err != nil {
		return 0 // which no form allows
	}
	return n
}

func (f *Fleet) serveBoard(c *gin.Context) { f.showBoard(c, http.StatusOK, "") }

// board finds the one of the address, or answers that there is none.
func (f *Fleet) board(c *gin.Context) (fleet.Board, bool) {
	b, err := f.Fleet.Board(c.Request.Context(), c.Param("device"))
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		f.Console.ShowError(c, http.StatusNotFound, "not_found")
	case err != nil:
		f.Console.fail(c, err)
	}
	return b, err == nil
}

func (f *Fleet) showBoard(c *gin.Context, status int, fault string) {
	b, ok := f.board(c)
	if !ok {
		return
	}
	view, err := f.boardView(c, b, fault)
	if err != nil {
		f.Console.fail(c, err)
		return
	}
	f.Console.show(c, status, page{Name: "board", Nav: "fleet", Title: b.Name, Live: true, Body: view})
}

// boardPart is what changes on a board's page by itself.
func (f *Fleet) boardPart() part {
	return part{"board", "now", func(c *gin.Context) (any, error) {
		b, err := f.Fleet.Board(c.Request.Context(), c.Param("device"))
		if errors.Is(err, fleet.ErrNotFound) {
			return nil, errNotThere
		}
		if err != nil {
			return nil, err
		}
		return f.boardNow(c, b)
	}}
}

// boardView is the whole page.
func (f *Fleet) boardView(c *gin.Context, b fleet.Board, fault string) (boardView, error) {
	view, err := f.boardNow(c, b)
	if err != nil {
		return view, err
	}
	v := f.Console.voice(c)
	view.Fault = fault
	if set, ok := v.settings(b); ok && b.State == fleet.Active {
		view.Settings = &set
	}
	if view.Admin && !view.Gone {
		if view.Others, err = f.others(c.Request.Context(), b); err != nil {
			return view, err
		}
	}
	events, err := f.Fleet.History(c.Request.Context(), b.Device, shownEvents)
	for _, e := range events {
		view.History = append(view.History, changeOf{v.ago(e.At()), v.sayOr("hub.fleet.event."+e.What, e.What), e.Detail})
	}
	return view, err
}

// boardNow is how a board is.
func (f *Fleet) boardNow(c *gin.Context, b fleet.Board) (boardView, error) {
	v := f.Console.voice(c)
	who, _ := api.Who(c)
	view := boardView{
		boardRow: boardRow{b.Device, b.Name, b.Site, b.Group, v.boardHealth(b.Health()), int(b.Unsent), v.ago(b.SeenAt()), b.Outdated()},
		Reported: v.ago(b.ReportedAt()), Stale: !b.Online,
		Operator: who.Role.Allows(people.Operator), Admin: who.Role.Allows(people.Admin),
		Gone: b.State == fleet.Removed, Revoked: b.State == fleet.Revoked, Successor: b.Successor,
	}
	v.fit(&view, b)
	if state, ok := b.Reported(); ok {
		v.report(&view, state)
	}
	v.certificate(&view, b)
	if n, err := f.Erasing(c.Request.Context(), b.Device); err != nil {
		return view, err
	} else if n > 0 {
		view.Facts = append(view.Facts, choice{Value: v.Say("hub.fleet.erasing", "n", v.Whole(n)), Label: v.Say("hub.fleet.fact.erasing")})
	}
	var err error
	if view.Update, err = f.update(c.Request.Context(), v, b.Device); err != nil {
		return view, err
	}
	for _, line := range b.Log() {
		view.Log = append(view.Log, logLine{v.ago(line.At), line.Level, line.Text})
	}
	now := time.Now()
	days, err := ingest.Counts(c.Request.Context(), f.Records, ingest.Which{Device: b.Device, From: now.AddDate(0, 0, 1-shownDays), Until: now})
	if err != nil {
		return view, err
	}
	for _, d := range days {
		view.Days = append(view.Days, v.day(d))
	}
	return view, nil
}

// mostOthers bounds the boards that may be chosen to replace one. What has just
// been set up is among the newest.
const mostOthers = 200

// others are the boards that may take a board's place.
func (f *Fleet) others(ctx context.Context, b fleet.Board) ([]choice, error) {
	boards, _, err := f.Fleet.List(ctx, fleet.Filter{State: fleet.Active, Sort: fleet.BySeen, Limit: mostOthers})
	var list []choice
	for _, o := range boards {
		if o.Device != b.Device {
			list = append(list, choice{Value: o.Device, Label: o.Name + " · " + o.Site + " · " + o.Device})
		}
	}
	return list, err
}

// day is a day's counts, in the order in which verdicts are named everywhere.
func (v *voice) day(d ingest.DayCounts) dayView {
	out := dayView{Day: d.Day}
	if at, err := time.Parse(time.DateOnly, d.Day); err == nil {
		out.Day = v.ShortDate(at)
	}
	known := []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin, wire.Unsure}
	for _, name := range known {
		if n := d.Counts[name]; n > 0 {
			out.Counts = append(out.Counts, verdictCount{v.verdict(name, nil), int(n)})
		}
		delete(d.Counts, name)
	}
	for name, n := range d.Counts { // classes of a custom task
		out.Counts = append(out.Counts, verdictCount{v.verdict(name, nil), int(n)})
	}
	return out
}

// report says what the board said of itself.
func (v *voice) report(view *boardView, s wire.State) {
	names := map[string]string{}
	for _, cam := range s.Cameras {
		row := cameraView{Name: cam.Name, Source: cam.Source, Rate: v.Decimal(cam.FPS, 1), Scored: int(cam.Scored), Dropped: int(cam.Dropped)}
		if row.Name == "" {
			row.Name = cam.ID
		}
		if cam.FrameAt != nil {
			row.Frame = v.ago(*cam.FrameAt)
		}
		names[cam.ID] = row.Name
		view.Cameras = append(view.Cameras, row)
	}
	for _, one := range s.Conditions {
		view.Problems = append(view.Problems, v.boardProblem(one, names))
	}
	fact := func(key, value string) {
		if value != "" {
			view.Facts = append(view.Facts, choice{Value: value, Label: v.Say("hub.fleet.fact." + key)})
		}
	}
	fact("agent", s.Versions.Agent)
	fact("onnxruntime", s.Versions.OnnxRuntime)
	fact("board", s.Board.Profile+", "+s.Board.Arch)
	if s.Model != nil {
		fact("model", s.Model.Name+" ("+s.Model.Variant+", "+s.Model.Provider+", "+v.Decimal(s.Model.InferMillis, 1)+" ms)")
	}
	if s.Board.Temperature != 0 {
		fact("temperature", v.Decimal(s.Board.Temperature, 0)+" °C")
	}
	if s.Board.FreeDisk > 0 {
		fact("disk", v.Bytes(s.Board.FreeDisk))
	}
	fact("unsent", v.Whole(int(s.Unsent)))
	fact("bytes", v.Say("hub.fleet.bytes", "up", v.Bytes(int64(s.BytesUp)), "down", v.Bytes(int64(s.BytesDown))))
	fact("pictures", v.Say("hub.fleet.pictures", "used", v.Bytes(s.Store.PictureBytes), "quota", v.Bytes(s.Store.PictureQuota)))
	fact("refused", s.Desired.Error)
}

// fit says how the board's programs go with the hub's.
func (v *voice) fit(view *boardView, b fleet.Board) {
	if b.Contract == 0 {
		return
	}
	view.Facts = append(view.Facts, choice{Label: v.Say("hub.fleet.fact.contract"),
		Value: v.Say("hub.fleet.contract", "board", v.Whole(int(b.Contract)), "hub", v.Whole(wire.Contract))})
	fit := b.Fit()
	if fit == wire.Fits {
		return
	}
	level := "note"
	if fit == wire.TooOld {
		level = "serious"
	}
	key := "hub.fleet.fit." + string(fit)
	view.Problems = append(view.Problems, problem{Level: level, Text: v.Say(key), Do: v.Say(key + ".do")})
}

func (v *voice) certificate(view *boardView, b fleet.Board) {
	local := b.CertificateUntil().In(v.location())
	view.Facts = append(view.Facts,
		choice{Value: v.Exact(local), Label: v.Say("hub.fleet.fact.certificate")},
		choice{Value: b.Device, Label: v.Say("hub.fleet.fact.device")})
}

// boardProblem says a board's condition in the words that the board's own page
// has for it.
func (v *voice) boardProblem(one wire.ConditionState, names map[string]string) problem {
	level := one.Severity
	if level == "info" {
		level = "note"
	}
	var args []any
	for name, value := range one.Args {
		args = append(args, name, value)
	}
	p := problem{Level: level, Since: v.ago(one.Since), Text: v.Say("health.unknown", "code", one.Code)}
	if key := "health." + one.Code; v.Has(key) {
		p.Text = v.Say(key, args...)
		if v.Has(key + ".do") {
			p.Do = v.Say(key+".do", args...)
		}
	}
	if name := names[one.Subject]; name != "" && len(names) > 1 {
		p.Text = v.Say("health.for_camera", "camera", name, "text", p.Text)
	}
	return p
}

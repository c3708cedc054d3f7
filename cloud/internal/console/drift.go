package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/monitor"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

// Drift are the pages of what changed in the field: the fleet, one camera over
// time, and one alarm. They belong to Health in the menu.
type Drift struct {
	Console *Console
	Monitor *monitor.Monitor
	Now     func() time.Time // wall clock
}

// driftName is the section's, driftPath the page of the fleet.
const (
	driftName = "drift"
	driftPath = "/health/drift"
)

// Section is the pages with their addresses.
func (d *Drift) Section() Section {
	const form = 4 << 10
	return Section{Name: driftName, Least: people.Viewer,
		Routes: []api.Route{
			{Method: http.MethodGet, Path: driftPath, Least: people.Viewer, Handler: d.serve},
			{Method: http.MethodPost, Path: driftPath + "/budget", Least: people.Admin, Limit: form, Handler: d.takeBudget},
			{Method: http.MethodGet, Path: driftPath + "/:device/:camera", Least: people.Viewer, Handler: d.serveCamera},
			{Method: http.MethodGet, Path: "/health/alarms/:id", Least: people.Viewer, Handler: d.serveAlarm},
			{Method: http.MethodPost, Path: "/health/alarms/:id/acknowledge", Least: people.Operator, Limit: form, Handler: d.takeAcknowledge},
			{Method: http.MethodPost, Path: "/health/alarms/:id/close", Least: people.Operator, Limit: form, Handler: d.takeClose},
		},
		Steps: []Step{{Name: "monitor", Path: driftPath, Least: people.Viewer, Count: func(ctx context.Context) (Count, error) {
			fleet, err := d.Monitor.Fleet(ctx)
			if err != nil {
				return Count{}, err
			}
			open, err := d.Monitor.Alarms(ctx, true, shownAlarms)
			return Count{Done: len(fleet), Waiting: len(open)}, err
		}}},
	}
}

// driftVoice also says the days of the monitor's calendar.
type driftVoice struct {
	*voice
	monitor.Calendar
	learn int // days before a camera raises alarms
}

func (d *Drift) voice(c *gin.Context) driftVoice {
	return driftVoice{d.Console.voice(c), d.Monitor.Calendar, d.Monitor.Rules().Learn}
}

// of is the voice for an alarm, whose days may be of another calendar.
func (v driftVoice) of(a *monitor.Alarm) driftVoice {
	if a.Reason == drift.Accuracy {
		v.Calendar = monitor.WholeDays()
	}
	return v
}

const (
	shownAlarms  = 50
	shownCameras = 200
	shownWeeks   = 12
)

type driftView struct {
	Open     []alarmRow
	Past     []alarmRow
	Counts   []choice // standing in words and how many
	Search   string
	Cameras  []cameraRow
	More     int // cameras that found no room
	Empty    bool
	Accuracy []weekView
	Plot     *plotView
	Budget   string
	Expected string
	ChosenBy string
	Admin    bool
}

type alarmRow struct {
	Path   string
	Title  string
	Where  string
	Level  string
	State  string
	Days   string
	Opened web.Moment
}

type cameraRow struct {
	Path, Board, Camera, Site string
	Standing, Tone, Shape     string
	Alarm                     string // path
	Day                       string
	N                         int
	Usual                     string
}

type weekView struct {
	Days      string
	Right     string
	Interval  string
	Labelled  int
	Unsure    int
	Corrected string
}

func (d *Drift) serve(c *gin.Context) {
	ctx, v := c.Request.Context(), d.voice(c)
	fleet, err := d.Monitor.Fleet(ctx)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	alarms, err := d.Monitor.Alarms(ctx, false, shownAlarms)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	who, _ := api.Who(c)
	view := driftView{Empty: len(fleet) == 0, Search: c.Query("search"), Admin: who.Role.Allows(people.Admin)}
	names := boardNames(fleet)
	for i := range alarms {
		row := v.alarmRow(&alarms[i], names)
		if alarms[i].State == monitor.Closed {
			view.Past = append(view.Past, row)
		} else {
			view.Open = append(view.Open, row)
		}
	}
	view.Counts = v.standings(fleet)
	for i := range fleet {
		if !fits(&fleet[i], view.Search) {
			continue
		}
		if len(view.Cameras) == shownCameras {
			view.More++
			continue
		}
		view.Cameras = append(view.Cameras, v.cameraRow(&fleet[i]))
	}
	if err := d.accuracy(ctx, v, fleet, &view); err != nil {
		d.Console.fail(c, err)
		return
	}
	d.Console.show(c, http.StatusOK, page{Name: "drift", Nav: "health", Title: v.Say("hub.drift.title"), Scripts: plotScripts(), Styles: plotStyles(), Body: view})
}

// fits reports whether a camera is one that the reader looks for.
func fits(one *monitor.Overview, search string) bool {
	text := strings.ToLower(one.Board + " " + one.ID + " " + one.Site + " " + one.Device + " " + string(one.Standing))
	for _, word := range strings.Fields(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func boardNames(fleet []monitor.Overview) map[string]string {
	names := map[string]string{}
	for i := range fleet {
		names[fleet[i].Device] = fleet[i].Board
	}
	return names
}

func (v driftVoice) standings(fleet []monitor.Overview) (counts []choice) {
	n := map[monitor.Standing]int{}
	for i := range fleet {
		n[fleet[i].Standing]++
	}
	for _, one := range []monitor.Standing{monitor.Alarmed, monitor.Watching, monitor.Usually, monitor.Learning} {
		if n[one] > 0 {
			counts = append(counts, choice{Label: v.Say("hub.drift.standing." + string(one)), Value: v.Whole(n[one])})
		}
	}
	return counts
}

// accuracy and budget of the whole fleet.
func (d *Drift) accuracy(ctx context.Context, v driftVoice, fleet []monitor.Overview, view *driftView) error {
	v.Calendar = monitor.WholeDays()
	last := v.Of(d.Now())
	for i := range fleet {
		newest := d.Monitor.Begin(fleet[i].Day)
		last = max(last, min(v.Of(newest), v.Of(d.Now())+wildDays))
	}
	weeks, err := d.Monitor.Weeks(ctx, "", last, shownWeeks)
	if err != nil {
		return err
	}
	plot := &plotView{ID: "accuracy", Name: v.Say("hub.drift.accuracy_title"), Unit: v.unit("%")}
	for i := range weeks {
		w := &weeks[i]
		if w.Labelled+w.Unsure+w.Corrected == 0 {
			continue
		}
		row := weekView{Days: v.days(w.FirstDay, w.LastDay), Labelled: w.Labelled, Unsure: w.Unsure, Right: "–", Corrected: "–"}
		if w.Labelled > 0 {
			one := w.Interval()
			row.Right, row.Interval = v.Percent(one.Value), v.Percent(one.Low)+" – "+v.Percent(one.High)
			plot.add(v.Begin(w.LastDay), 100*one.Value, 100*one.Low, 100*one.High, false)
		}
		if w.Sightings > 0 {
			row.Corrected = v.Decimal(100*float64(w.Corrected)/float64(w.Sightings), 1) + v.unit("%")
		}
		view.Accuracy = append(view.Accuracy, row)
	}
	if len(plot.points) > 1 {
		plot.close(nil)
		view.Plot = plot
	}
	budget, err := d.Monitor.Budget(ctx)
	view.Budget, view.ChosenBy = strconv.FormatFloat(budget.FalseAlarms, 'f', -1, 64), budget.By
	view.Expected = v.Decimal(drift.LimitsFor(budget.FalseAlarms).Expected, 1)
	return err
}

// wildDays is how far ahead of the wall clock a field clock may run and still
// say what the newest day is: a demo runs a season in minutes.
const wildDays = 366

// unit is a unit behind a number.
func (v driftVoice) unit(unit string) string {
	if unit != "" && v.Lang() == web.Spanish {
		return " " + unit
	}
	return unit
}

// date says a day of the field clock, days the first and the last of some.
func (v driftVoice) date(day int) string {
	if v.Hours == monitor.WholeDays().Hours {
		return v.Date(v.Begin(day))
	}
	return v.ShortDate(v.Begin(day)) + ", " + v.Clock(v.Begin(day))
}

func (v driftVoice) days(first, last int) string {
	if first == last {
		return v.date(first)
	}
	if v.Hours == monitor.WholeDays().Hours {
		return v.ShortDate(v.Begin(first)) + " – " + v.Date(v.Begin(last))
	}
	return v.date(first) + " – " + v.date(last)
}

func (v driftVoice) alarmRow(a *monitor.Alarm, names map[string]string) alarmRow {
	row := alarmRow{
		Path: alarmPath(a.ID), Title: v.reason(a), Where: v.where(a, names), Level: "warning",
		State: v.Say("hub.drift.state." + string(a.State)), Days: v.of(a).days(a.FirstDay, a.LastDay), Opened: v.ago(a.Opened()),
	}
	switch a.State {
	case monitor.Acknowledged:
		row.Level = "note"
	case monitor.Closed:
		row.State, row.Level = v.Say("hub.drift.outcome."+string(a.Outcome)), "well"
	case monitor.Open:
	}
	return row
}

func alarmPath(id int64) string { return "/health/alarms/" + strconv.FormatInt(id, 10) }

func (v driftVoice) reason(a *monitor.Alarm) string {
	return v.Say("hub.drift.reason." + string(a.Reason))
}

// where says which camera an alarm is about, or how many.
func (v driftVoice) where(a *monitor.Alarm, names map[string]string) string {
	switch {
	case a.Device != "":
		name := names[a.Device]
		if name == "" {
			name = a.Device
		}
		return name + " · " + a.Camera
	case a.Reason == drift.Accuracy:
		return v.Say("hub.drift.whole_fleet")
	default:
		facts := a.Facts()
		return v.Say("hub.drift.many", "n", v.Whole(len(facts.Cameras)), "of", v.Whole(facts.Of))
	}
}

func cameraPath(c monitor.Camera) string {
	return driftPath + "/" + url.PathEscape(c.Device) + "/" + url.PathEscape(c.ID)
}

func (v driftVoice) cameraRow(one *monitor.Overview) cameraRow {
	row := cameraRow{
		Path: cameraPath(one.Camera), Board: one.Board, Camera: one.ID, Site: one.Site, Day: v.date(one.Day), N: one.N,
		Standing: v.Say("hub.drift.standing." + string(one.Standing)),
	}
	switch one.Standing {
	case monitor.Alarmed:
		row.Tone, row.Shape, row.Alarm = "bad", "bad", alarmPath(one.Alarm)
	case monitor.Watching:
		row.Tone, row.Shape = "regular", "regular"
	case monitor.Usually:
		row.Tone, row.Shape = "good", "well"
	case monitor.Learning:
		row.Tone, row.Shape = "none", "not_pumpkin"
		row.Standing = v.Say("hub.drift.learning", "days", v.Whole(one.Refs), "of", v.Whole(v.learn))
		return row
	}
	row.Usual = v.usual(one.P)
	return row
}

// usual says how often a camera's day is as unlike by chance.
func (v driftVoice) usual(p float64) string {
	if p > 0.2 {
		return v.Say("hub.drift.like_others")
	}
	return v.Say("hub.drift.one_in", "n", v.Whole(int(1/p+0.5)))
}

func (d *Drift) takeBudget(c *gin.Context) {
	who, _ := api.Who(c)
	value, err := strconv.ParseFloat(c.PostForm("budget"), 64)
	if err == nil {
		err = d.Monitor.SetBudget(c.Request.Context(), value, who.Name, d.Now())
	}
	if err != nil {
		d.Console.flash(c, "hub.drift.budget_wrong", "least", d.voice(c).Decimal(monitor.LeastBudget, 1), "most", strconv.Itoa(monitor.MostBudget))
	} else {
		if err := d.Console.opts.Audit.Write(c.Request.Context(), who.Name, "drift.budget", "", c.PostForm("budget")); err != nil {
			d.Console.fail(c, err)
			return
		}
		d.Console.flash(c, "hub.drift.budget_set")
	}
	c.Redirect(http.StatusSeeOther, driftPath)
}

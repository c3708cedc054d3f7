package console

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/monitor"
	"gourdian/cloud/internal/people"
	"gourdian/internal/web"
)

type driftAlarmView struct {
	ID        int64
	Title     string
	Where     string
	Camera    string // path, "" = many
	State     string
	Level     string
	Days      string
	Opened    web.Moment
	Changed   string // who did what, "" = nobody
	ChangedAt web.Moment
	Do        string
	Label     string // path where pictures of it are labelled, "" = that helps nothing
	Moved     []movedView
	Refs      int
	Cameras   []choice // that moved together: path and name
	Before    *weekView
	After     *weekView
	Pictures  []pictureGroup
	CanChange bool
	Open      bool
	Outcomes  []choice
}

type movedView struct {
	Name, Then, Now, Far string
}

type pictureGroup struct {
	Title string
	Cards []driftCard
}

type driftCard struct{ Hash, Picture, From, Taken string }

func (d *Drift) alarm(c *gin.Context) (monitor.Alarm, bool) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		d.Console.ShowError(c, http.StatusNotFound, "not_found")
		return monitor.Alarm{}, false
	}
	a, err := d.Monitor.Alarm(c.Request.Context(), id)
	if errors.Is(err, monitor.ErrNotFound) {
		d.Console.ShowError(c, http.StatusNotFound, "not_found")
		return a, false
	}
	if err != nil {
		d.Console.fail(c, err)
	}
	return a, err == nil
}

func (d *Drift) serveAlarm(c *gin.Context) {
	a, ok := d.alarm(c)
	if !ok {
		return
	}
	ctx, v := c.Request.Context(), d.voice(c)
	fleet, err := d.Monitor.Fleet(ctx)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	pictures, err := d.Monitor.Pictures(ctx, &a)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	names := boardNames(fleet)
	row, facts := v.alarmRow(&a, names), a.Facts()
	who, _ := api.Who(c)
	view := driftAlarmView{
		ID: a.ID, Title: row.Title, Where: row.Where, State: row.State, Level: row.Level, Days: row.Days, Opened: v.ago(a.Opened()),
		Do: v.Say("hub.drift.do." + string(a.Reason)), Refs: facts.Refs,
		CanChange: who.Role.Allows(people.Operator), Open: a.State != monitor.Closed,
	}
	if a.Device != "" {
		view.Camera = cameraPath(monitor.Camera{Device: a.Device, ID: a.Camera})
	}
	if a.State != monitor.Open {
		view.Changed, view.ChangedAt = v.changed(&a), v.ago(a.Changed())
	}
	if slices.Contains([]drift.Reason{drift.NewKind, drift.LessSure, drift.Mistaken, drift.Accuracy}, a.Reason) && who.Role.Allows(people.Labeller) {
		view.Label = "/label"
		if a.Device != "" {
			view.Label += "?device=" + url.QueryEscape(a.Device)
		}
	}
	v.evidence(&view, &facts, names)
	view.Pictures = v.pictures(&pictures, names)
	for i, one := range monitor.Outcomes() {
		view.Outcomes = append(view.Outcomes, choice{string(one), v.Say("hub.drift.close." + string(one)), i == 0})
	}
	d.Console.show(c, http.StatusOK, page{Name: "alarm", Nav: "health", Title: view.Title, Body: view})
}

func (v driftVoice) changed(a *monitor.Alarm) string {
	switch {
	case a.State == monitor.Acknowledged:
		return v.Say("hub.drift.known_by", "who", a.ChangedBy)
	case a.ChangedBy == "":
		return v.Say("hub.drift.closed_itself")
	default:
		return v.Say("hub.drift.closed_by", "who", a.ChangedBy)
	}
}

// evidence is what moved, in numbers.
func (v driftVoice) evidence(view *driftAlarmView, facts *monitor.Facts, names map[string]string) {
	for _, m := range facts.Moved {
		view.Moved = append(view.Moved, movedView{
			Name: v.Say("hub.drift.measure." + m.Measure), Then: v.measured(m.Measure, m.Then), Now: v.measured(m.Measure, m.Now), Far: v.far(m.Deviations),
		})
	}
	for _, one := range facts.Cameras {
		name := names[one.Device]
		if name == "" {
			name = one.Device
		}
		view.Cameras = append(view.Cameras, choice{Value: cameraPath(one), Label: name + " · " + one.ID})
	}
	v.Calendar = monitor.WholeDays()
	for _, one := range []struct {
		from *monitor.Accuracy
		into **weekView
	}{{facts.Before, &view.Before}, {facts.After, &view.After}} {
		if one.from == nil {
			continue
		}
		i := one.from.Interval()
		*one.into = &weekView{
			Days: v.days(one.from.FirstDay, one.from.LastDay), Labelled: one.from.Labelled, Right: v.Percent(i.Value), Interval: v.Percent(i.Low) + " – " + v.Percent(i.High),
		}
	}
}

// measured says a value of a measure with its unit.
func (v driftVoice) measured(name string, value float64) string {
	for _, one := range plottedMeasures() {
		if one.measure.String() == name {
			return v.Decimal(one.times*value, one.decimals) + v.unit(one.unit)
		}
	}
	return v.Decimal(value, 2)
}

// far says how far a measure moved.
func (v driftVoice) far(deviations float64) string {
	key := "hub.drift.far.higher"
	if deviations < 0 {
		key = "hub.drift.far.lower"
	}
	return v.Say(key, "times", v.Decimal(math.Abs(deviations), 1))
}

// pictures are those of an alarm by kind; none where there is not a single one.
func (v driftVoice) pictures(p *monitor.Pictures, names map[string]string) (groups []pictureGroup) {
	if len(p.Then)+len(p.Now) == 0 {
		return nil
	}
	for _, one := range []struct {
		key  string
		list []monitor.Picture
	}{{"then", p.Then}, {"now", p.Now}, {"unlike", p.Unlike}} {
		group := pictureGroup{Title: v.Say("hub.drift.pictures." + one.key)}
		for _, picture := range one.list {
			name := names[picture.Device]
			if name == "" {
				name = picture.Device
			}
			group.Cards = append(group.Cards, driftCard{
				Hash: picture.Hash, Picture: pictureOf(picture.Hash), From: name + " · " + picture.Camera, Taken: v.ShortDate(picture.Captured),
			})
		}
		groups = append(groups, group)
	}
	return groups
}

func (d *Drift) takeAcknowledge(c *gin.Context) {
	d.change(c, "hub.drift.acknowledged", func(id int64, who string) error {
		return d.Monitor.Acknowledge(c.Request.Context(), id, who)
	})
}

func (d *Drift) takeClose(c *gin.Context) {
	outcome := monitor.Outcome(c.PostForm("outcome"))
	if !slices.Contains(monitor.Outcomes(), outcome) {
		d.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	d.change(c, "hub.drift.closed", func(id int64, who string) error {
		return d.Monitor.Close(c.Request.Context(), id, outcome, who)
	})
}

func (d *Drift) change(c *gin.Context, said string, do func(id int64, who string) error) {
	a, ok := d.alarm(c)
	if !ok {
		return
	}
	who, _ := api.Who(c)
	switch err := do(a.ID, who.Name); {
	case errors.Is(err, monitor.ErrClosed):
		d.Console.flash(c, "hub.drift.closed_already")
	case err != nil:
		d.Console.fail(c, err)
		return
	default:
		d.Console.flash(c, said)
	}
	c.Redirect(http.StatusSeeOther, alarmPath(a.ID))
}

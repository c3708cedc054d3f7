package console

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/monitor"
)

// plotScripts and plotStyles are what a page with plots loads. Without them the
// tables beside the plots say the same.
func plotScripts() []string { return []string{"npm/uPlot.iife.min.js", "plot.js"} }

func plotStyles() []string { return []string{"npm/uPlot.min.css", "plot.css"} }

// plotView is a number over time with the band of what is usual.
type plotView struct {
	ID   string
	Name string // says the finding
	Unit string
	Data string // JSON for the script that draws it
	Rows []plotRow

	points [][]any
}

// plotRow is a point for people.
type plotRow struct {
	Day, Shown, Usual string
	Hit               bool
}

// add adds a point; a band of NaN is none.
func (p *plotView) add(at time.Time, value, low, high float64, hit bool) {
	point := []any{at.Unix(), value, nil, nil, hit}
	if !math.IsNaN(low) {
		point[2], point[3] = low, high
	}
	p.points = append(p.points, point)
}

// close writes the points with what happened meanwhile.
func (p *plotView) close(marks []markView) {
	type mark struct {
		At   int64  `json:"at"`
		Text string `json:"text"`
	}
	shown := []mark{}
	for _, m := range marks {
		if len(p.points) > 0 && m.Stamp >= p.points[0][0].(int64) {
			shown = append(shown, mark{m.Stamp, m.Short})
		}
	}
	data, err := json.Marshal(map[string]any{"points": p.points, "marks": shown, "unit": p.Unit})
	if err == nil {
		p.Data = string(data)
	}
}

// plotted is a measure as the camera's page has it.
type plotted struct {
	measure  drift.Measure
	unit     string
	times    float64
	decimals int
}

func plottedMeasures() []plotted {
	return []plotted{
		{drift.Sharpness, "", 1, 0}, {drift.Brightness, "", 1, 0}, {drift.Novelty, "", 1, 3}, {drift.NoveltyHigh, "", 1, 3}, {drift.NovelShare, "%", 100, 1},
		{drift.TopProbability, "%", 100, 0}, {drift.DoubtShare, "%", 100, 1}, {drift.PoorShare, "%", 100, 1}, {drift.Corrected, "%", 100, 1},
	}
}

type driftCameraView struct {
	Board, Camera string
	BoardPath     string
	Empty         bool
	Learning      string // why it raises no alarms yet
	Alarms        []alarmRow
	Marks         []markView
	Plots         []plotView
	Days          int
}

// markView is something that happened to a camera, on a plot and in words.
type markView struct {
	Stamp int64
	Day   string
	Short string // on the plot
	Text  string
	Path  string
}

const shownDriftDays = 90

func (d *Drift) serveCamera(c *gin.Context) {
	ctx, v := c.Request.Context(), d.voice(c)
	camera := monitor.Camera{Device: c.Param("device"), ID: c.Param("camera")}
	series, err := d.Monitor.Series(ctx, camera, shownDriftDays)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	fleet, err := d.Monitor.Fleet(ctx)
	if err != nil {
		d.Console.fail(c, err)
		return
	}
	names := boardNames(fleet)
	if names[camera.Device] == "" {
		d.Console.ShowError(c, http.StatusNotFound, "not_found")
		return
	}
	view := driftCameraView{Board: names[camera.Device], Camera: camera.ID, BoardPath: "/fleet/board/" + camera.Device, Empty: len(series.Points) == 0, Days: len(series.Points)}
	for i := range series.Alarms {
		view.Alarms = append(view.Alarms, v.alarmRow(&series.Alarms[i], names))
	}
	view.Marks = v.marks(&series)
	if n := len(series.Points); n > 0 {
		last := series.Points[n-1].Score
		if last == nil || last.Muted {
			refs := 0
			if last != nil {
				refs = last.Refs
			}
			view.Learning = v.Say("hub.drift.learning", "days", v.Whole(refs), "of", v.Whole(v.learn))
		}
	}
	for _, one := range plottedMeasures() {
		view.Plots = append(view.Plots, v.plot(one, &series, view.Marks))
	}
	title := v.Say("hub.drift.camera_title", "board", view.Board, "camera", view.Camera)
	d.Console.show(c, http.StatusOK, page{Name: "driftcamera", Nav: "health", Title: title, Scripts: plotScripts(), Styles: plotStyles(), Body: view})
}

// marks are a camera's events, the newest last.
func (v driftVoice) marks(s *monitor.Series) []markView {
	var marks []markView
	for _, change := range s.Models {
		marks = append(marks, markView{
			Stamp: v.Begin(change.Day).Unix(), Day: v.date(change.Day), Short: v.Say("hub.drift.mark_model"),
			Text: v.Say("hub.drift.mark_model_text", "model", change.Model[:min(12, len(change.Model))]),
		})
	}
	for i := range s.Alarms {
		a := &s.Alarms[len(s.Alarms)-1-i]
		marks = append(marks, markView{Stamp: v.Begin(a.FirstDay).Unix(), Day: v.date(a.FirstDay), Short: v.Say("hub.drift.mark_alarm"), Text: v.reason(a), Path: alarmPath(a.ID)})
	}
	return marks
}

// bandWidth is how many standard deviations of a day the band of the usual is
// wide on each side.
const bandWidth = 2

func within(mean, usual, spread float64) string {
	switch {
	case mean < usual-spread:
		return "below"
	case mean > usual+spread:
		return "above"
	default:
		return "within"
	}
}

// plot shows a measure of a camera.
func (v driftVoice) plot(one plotted, s *monitor.Series, marks []markView) plotView {
	p := plotView{ID: one.measure.String(), Unit: v.unit(one.unit)}
	say := func(u float64) string {
		return v.Decimal(one.times*one.measure.Value(u), one.decimals) + v.unit(one.unit)
	}
	where := "none"
	for i := range s.Points {
		point := &s.Points[i]
		mean := point.Means[one.measure]
		row := plotRow{Day: v.date(point.Day), Shown: say(mean)}
		low, high := math.NaN(), math.NaN()
		where = "none"
		if score := point.Score; score != nil {
			usual, spread := score.Usual[one.measure], bandWidth*score.Spread[one.measure]
			from, to := math.Max(0, usual-spread), usual+spread
			low, high = one.times*one.measure.Value(from), one.times*one.measure.Value(to)
			where = within(mean, usual, spread)
			row.Usual, row.Hit = say(from)+" – "+say(to), score.Hit && where != "within"
		}
		p.add(v.Begin(point.Day), one.times*one.measure.Value(mean), low, high, row.Hit)
		p.Rows = append(p.Rows, row)
	}
	p.close(marks)
	p.Name = v.Say("hub.drift.finding."+where, "measure", v.Say("hub.drift.measure."+one.measure.String()))
	return p
}

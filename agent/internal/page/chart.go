package page

import (
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// Sizes of the chart in its own units, about pixels on a phone.
const (
	chartWidth  = 360
	chartHeight = 168
	chartLeft   = 28
	chartTop    = 12
	chartBottom = 144 // of the bars
	chartGap    = 2   // between two bars
)

// chartView is a day's sightings by hour, with a table that says the same.
type chartView struct {
	Finding string
	W, H    int
	Left    int
	Top     int
	Bottom  int
	Right   int
	Most    int // at the top of the axis
	Bars    []barView
	Marks   []markView // the day before
	Ticks   []tickView
	Legend  []verdictView
	Before  bool // whether the day before had sightings
	Rows    []hourRow
}

type barView struct {
	Tone, Fill    string
	X, Y, W, H    float64
	MiddleX, TopY float64
}

type markView struct{ X1, X2, Y float64 }

type tickView struct {
	X    float64
	Text string
}

// hourRow is one hour of the table.
type hourRow struct {
	From, To string
	Counts   []int // in the order of Legend
	Total    int
	Before   int
}

// hourChart draws a day; before is the day before, nil where it is not shown.
func (v *voice) hourChart(day store.Day, before *store.Day, model *live.Model) *chartView {
	chart := &chartView{
		W: chartWidth, H: chartHeight, Left: chartLeft, Top: chartTop, Bottom: chartBottom, Right: chartWidth, Most: 4,
		Before: before != nil && before.Total > 0,
	}
	var order []wire.Verdict
	for _, name := range verdictOrder(model, day.Counts) {
		if day.Counts[name] > 0 {
			order = append(order, name)
			chart.Legend = append(chart.Legend, v.verdict(name, model))
		}
	}
	best := 0
	for hour := range day.Hours {
		row := hourRow{From: hourName(hour), To: hourName(hour + 1), Total: sum(day.Hours[hour])}
		for _, name := range order {
			row.Counts = append(row.Counts, day.Hours[hour][name])
		}
		if chart.Before {
			row.Before = sum(before.Hours[hour])
		}
		chart.Most = max(chart.Most, row.Total, row.Before)
		if row.Total > sum(day.Hours[best]) {
			best = hour
		}
		chart.Rows = append(chart.Rows, row)
	}
	chart.Most = roundUp(chart.Most)
	for hour := range chart.Rows {
		chart.draw(hour)
	}
	for hour := 0; hour <= 24; hour += 6 {
		chart.Ticks = append(chart.Ticks, tickView{chart.x(hour), hourName(hour)})
	}
	if day.Total > 0 {
		chart.Finding = v.Say("chart.finding", "from", hourName(best), "to", hourName(best+1), "n", v.Whole(chart.Rows[best].Total))
	}
	chart.Rows = busyHours(chart.Rows)
	return chart
}

func (c *chartView) x(hour int) float64 {
	return float64(c.Left) + float64(hour)*float64(c.W-c.Left)/24
}

func (c *chartView) height(n int) float64 {
	return float64(n) * float64(c.Bottom-c.Top) / float64(c.Most)
}

// draw stacks an hour's bars and marks the day before.
func (c *chartView) draw(hour int) {
	row := c.Rows[hour]
	left, right := c.x(hour)+chartGap/2, c.x(hour+1)-chartGap/2
	top := float64(c.Bottom)
	for i, n := range row.Counts {
		if n == 0 {
			continue
		}
		h := c.height(n)
		top -= h
		verdict := c.Legend[i]
		c.Bars = append(c.Bars, barView{Tone: verdict.Tone, Fill: fillOf(verdict), X: left, Y: top, W: right - left, H: h})
	}
	if row.Before > 0 {
		y := float64(c.Bottom) - c.height(row.Before)
		c.Marks = append(c.Marks, markView{left - chartGap/2, right + chartGap/2, y})
	}
}

// fillOf tells bars apart for those who don't see their colours.
func fillOf(v verdictView) string {
	switch v.Name {
	case wire.NotPumpkin:
		return "hollow"
	case wire.Unsure:
		return "ringed"
	}
	return ""
}

// busyHours cuts the hours in which nothing came off both ends.
func busyHours(rows []hourRow) []hourRow {
	busy := func(r hourRow) bool { return r.Total+r.Before > 0 }
	for len(rows) > 0 && !busy(rows[0]) {
		rows = rows[1:]
	}
	for len(rows) > 0 && !busy(rows[len(rows)-1]) {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// roundUp returns an even end of an axis: n itself up to 10, then the next of
// 12, 15, 20, 25, 30, 40, 50, 60, 80, 100 and their tenfolds.
func roundUp(n int) int {
	if n <= 10 {
		return n
	}
	for unit := 1; ; unit *= 10 {
		for _, k := range []int{12, 15, 20, 25, 30, 40, 50, 60, 80, 100} {
			if k*unit >= n {
				return k * unit
			}
		}
	}
}

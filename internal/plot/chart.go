package plot

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strconv"
)

// Point is one point of a line, with its interval. Low and High that are equal
// to Y draw none.
type Point struct{ X, Y, Low, High float64 }

// Line is one line of a chart.
type Line struct {
	Name   string // in the legend, "" = none
	Class  string // of the style sheet: "s1" to "s6", or a verdict's tone
	Points []Point
	Dots   bool // marks at the points
	Dashed bool
}

// Axis is one axis. Min equal to Max takes the extent of the points.
type Axis struct {
	Title    string // with its unit
	Min, Max float64
	Percent  bool                   // ticks as per cent of 1
	Ticks    func(v float64) string // words of a tick, nil = numbers
}

// Band is a range of y that is drawn behind the lines: what is usual.
type Band struct{ Low, High float64 }

// Mark is an event at x.
type Mark struct {
	X    float64
	Name string
}

// Chart is lines over two axes.
type Chart struct {
	Label    string // read out instead of the drawing: its finding
	X, Y     Axis
	Lines    []Line
	Diagonal bool // what a perfect model would be, from corner to corner
	Band     *Band
	Marks    []Mark
}

// Size of a chart in user units.
const (
	chartW, chartH                        = 520.0, 320.0
	marginL, marginR, marginT, marginB    = 62.0, 128.0, 14.0, 48.0
	innerW, innerH                        = chartW - marginL - marginR, chartH - marginT - marginB
	ticksWanted                           = 5
	titleX, titleY, tickBelow, tickBefore = 16.0, chartH - 8, 18.0, 8.0
	dotRadius, textDrop                   = 3.5, 4.0
	legendGap, legendDash, legendRow      = 14.0, 18.0, 20.0
)

// Draw draws it. A chart without a point shows its axes only.
func (ch Chart) Draw() template.HTML {
	x, y := ch.X.over(ch.Lines, func(p Point) []float64 { return []float64{p.X} }), ch.Y.over(ch.Lines, func(p Point) []float64 { return []float64{p.Y, p.Low, p.High} })
	px := func(v float64) float64 { return marginL + innerW*(v-x.Min)/(x.Max-x.Min) }
	py := func(v float64) float64 { return marginT + innerH*(1-(v-y.Min)/(y.Max-y.Min)) }
	c := begin("lines", int(chartW), int(chartH), ch.Label)
	if b := ch.Band; b != nil {
		top, bottom := py(math.Min(b.High, y.Max)), py(math.Max(b.Low, y.Min))
		c.rect("band", marginL, top, innerW, math.Max(0, bottom-top), 1)
	}
	for _, v := range y.ticks() {
		c.line("grid", marginL, py(v), marginL+innerW, py(v))
		c.text("tick", "end", marginL-tickBefore, py(v)+textDrop, y.words(v))
	}
	for _, v := range x.ticks() {
		c.line("grid", px(v), marginT+innerH, px(v), marginT+innerH+4)
		c.text("tick", "middle", px(v), marginT+innerH+tickBelow, x.words(v))
	}
	c.line("axis", marginL, marginT+innerH, marginL+innerW, marginT+innerH)
	c.text("label", "middle", marginL+innerW/2, titleY, x.Title)
	c.turned(titleX, marginT+innerH/2, y.Title)
	if ch.Diagonal {
		c.line("diagonal", px(x.Min), py(y.Min), px(x.Max), py(y.Max))
	}
	for _, m := range ch.Marks {
		c.line("mark", px(m.X), marginT, px(m.X), marginT+innerH)
		c.text("tick", "start", px(m.X)+3, marginT+10, m.Name)
	}
	named := 0
	for i, l := range ch.Lines {
		class := cmp.Or(l.Class, "s"+strconv.Itoa(i%6+1)) + " d" + strconv.Itoa(i%6+1)
		l.draw(c, class, px, py)
		if l.Name == "" {
			continue
		}
		x, y := marginL+innerW+legendGap, marginT+legendRow*(float64(named)+.5)
		c.path("line "+class, [][2]float64{{x, y}, {x + legendDash, y}}, false)
		c.text("name", "start", x+legendDash+6, y+textDrop, l.Name)
		named++
	}
	return c.end()
}

func (l Line) draw(c *canvas, class string, px, py func(float64) float64) {
	var path, area, back [][2]float64
	spread := false
	for _, p := range l.Points {
		path = append(path, [2]float64{px(p.X), py(p.Y)})
		spread = spread || p.High > p.Low
		area = append(area, [2]float64{px(p.X), py(p.High)})
		back = append(back, [2]float64{px(p.X), py(p.Low)})
	}
	if spread {
		slices.Reverse(back)
		c.path("area "+class, append(area, back...), true)
	}
	if l.Dashed {
		class += " dashed"
	}
	c.path("line "+class, path, false)
	if l.Dots {
		for _, p := range path {
			if !math.IsNaN(p[1]) {
				c.circle("dot "+class, p[0], p[1], dotRadius)
			}
		}
	}
}

// over sets the ends of an axis that has none, a little beyond the points.
func (a Axis) over(lines []Line, of func(Point) []float64) Axis {
	if a.Max > a.Min {
		return a
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		for _, p := range l.Points {
			for _, v := range of(p) {
				if !math.IsNaN(v) && !math.IsInf(v, 0) {
					low, high = math.Min(low, v), math.Max(high, v)
				}
			}
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if room := (high - low) * 0.05; room > 0 {
		low, high = low-room, high+room
	} else {
		low, high = low-1, high+1
	}
	a.Min, a.Max = low, high
	return a
}

// ticks are round numbers within the axis.
func (a Axis) ticks() (out []float64) {
	span := a.Max - a.Min
	step := math.Pow(10, math.Floor(math.Log10(span/ticksWanted)))
	for _, m := range []float64{1, 2, 5, 10} {
		if span/(step*m) <= ticksWanted+1 {
			step *= m
			break
		}
	}
	for v := math.Ceil(a.Min/step-1e-9) * step; v <= a.Max+step*1e-9; v += step {
		out = append(out, v)
	}
	return out
}

func (a Axis) words(v float64) string {
	switch {
	case a.Ticks != nil:
		return a.Ticks(v)
	case a.Percent:
		return strconv.Itoa(int(math.Round(100*v))) + "%"
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'g', 6, 64)
}

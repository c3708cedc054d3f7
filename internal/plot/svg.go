package plot

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// canvas gathers an SVG drawing. Coordinates are in user units, y downwards.
type canvas struct{ b strings.Builder }

// begin opens a drawing of w x h that is read out as label.
func begin(class string, w, h int, label string) *canvas {
	c := &canvas{}
	fmt.Fprintf(&c.b, `<svg class="plot %s" viewBox="0 0 %d %d" role="img" aria-label="%s">`, class, w, h, html.EscapeString(label))
	return c
}

func (c *canvas) end() template.HTML {
	c.b.WriteString("</svg>")
	// Every text in it went through html.EscapeString, everything else is a
	// number or a constant.
	return template.HTML(c.b.String()) //nolint:gosec
}

func (c *canvas) rect(class string, x, y, w, h, opacity float64) {
	fmt.Fprintf(&c.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" fill-opacity="%s"/>`, class, n(x), n(y), n(w), n(h), n(opacity))
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.b, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, n(x1), n(y1), n(x2), n(y2))
}

func (c *canvas) circle(class string, x, y, r float64) {
	fmt.Fprintf(&c.b, `<circle class="%s" cx="%s" cy="%s" r="%s"/>`, class, n(x), n(y), n(r))
}

// text writes words; anchor is start, middle or end.
func (c *canvas) text(class, anchor string, x, y float64, words string) {
	fmt.Fprintf(&c.b, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, n(x), n(y), html.EscapeString(words))
}

// turned writes words from bottom to top around x, y.
func (c *canvas) turned(x, y float64, words string) {
	fmt.Fprintf(&c.b, `<text class="label" text-anchor="middle" transform="translate(%s %s) rotate(-90)">%s</text>`, n(x), n(y), html.EscapeString(words))
}

// path draws a line through points; points that are no number break it.
func (c *canvas) path(class string, points [][2]float64, closed bool) {
	fmt.Fprintf(&c.b, `<path class="%s" d="`, class)
	verb := "M"
	for _, p := range points {
		if math.IsNaN(p[0]) || math.IsNaN(p[1]) {
			verb = "M"
			continue
		}
		c.b.WriteString(verb + n(p[0]) + " " + n(p[1]))
		verb = "L"
	}
	if closed {
		c.b.WriteString("Z")
	}
	c.b.WriteString(`"/>`)
}

// n writes a coordinate with two decimals at most; what is no number is 0.
func n(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

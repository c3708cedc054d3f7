package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"gourdian/internal/plot"
	"gourdian/internal/web"
	"gourdian/models/evaluate"
)

//go:embed report.html
var page string

//go:embed report.css
var style string

// view is what the template shows. Texts are in the reader's language.
type view struct {
	Lang     web.Lang
	Style    template.CSS
	Title    string // the finding
	Lead     string
	Facts    [][2]string
	Warnings []string
	Figures  *figures
	Learning *learning
	Variants *table
	Unknown  *table
}

// figures is what holds of one set of samples.
type figures struct {
	Matrix, Reliability template.HTML
	MatrixTitle         string
	MatrixTable         table
	ReliabilityTitle    string
	ReliabilityTable    table
	Curves              template.HTML
	Classes             table
	Examples            []examples
}

type learning struct {
	Title string
	Chart template.HTML
	Table table
}

// table is plain rows under a head.
type table struct {
	Caption string
	Head    []string
	Rows    [][]string
}

// examples are pictures of one class.
type examples struct {
	Class        string
	Tone         string
	Right, Wrong []shown
}

// shown is one picture with what the model said.
type shown struct {
	Picture template.URL // data:image/jpeg;base64,...
	File    string
	Said    string
}

func (v view) write(w io.Writer, s *web.Speaker) error {
	t, err := template.New("report").Funcs(template.FuncMap{"say": s.Say}).Parse(page)
	if err != nil {
		return fmt.Errorf("read the report's template: %w", err)
	}
	v.Lang, v.Style = s.Lang(), template.CSS(style+web.PlotStyle())
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// words are the names of classes as a reader knows them.
type words struct {
	*web.Speaker
	classes []web.Class
}

func (w words) class(name string) string { return w.Verdict(name, w.classes).Word }

func (w words) names(classes []string) []string {
	out := make([]string, len(classes))
	for i, c := range classes {
		out[i] = w.class(c)
	}
	return out
}

// span writes a share with its interval.
func (w words) span(value, low, high *float64) string {
	if value == nil {
		return w.Say("report.none")
	}
	if low == nil || high == nil {
		return w.Percent(*value)
	}
	return w.Say("report.span", "value", w.Percent(*value), "low", w.Percent(*low), "high", w.Percent(*high))
}

func (w words) interval(i evaluate.Interval) string {
	return w.span(evaluate.Number(i.Value), evaluate.Number(i.Low), evaluate.Number(i.High))
}

// figures draws what an evaluation or a cross-validation measured. It returns
// nil where there is nothing.
func (w words) figures(f evaluate.Figures, samples []evaluate.Sample) *figures {
	if f.Images == 0 {
		return nil
	}
	out := &figures{MatrixTitle: w.mixedUp(f), ReliabilityTitle: w.trust(f.Reliability)}
	names := w.names(f.ClassOrder)
	out.Matrix = plot.Matrix{
		Label: out.MatrixTitle, Is: w.Say("report.is"), Called: w.Say("report.called"), Names: names, Counts: f.Confusion,
	}.Draw()
	out.MatrixTable = table{Caption: w.Say("report.matrix"), Head: append([]string{w.Say("report.is")}, names...)}
	for i, row := range f.Confusion {
		cells := []string{names[i]}
		for _, n := range row {
			cells = append(cells, w.Whole(n))
		}
		out.MatrixTable.Rows = append(out.MatrixTable.Rows, cells)
	}
	out.Reliability, out.ReliabilityTable = w.reliability(f.Reliability, out.ReliabilityTitle)
	out.Curves = w.curves(f.ClassOrder, samples)
	out.Classes = table{Caption: w.Say("report.classes"), Head: []string{
		w.Say("report.class"), w.Say("report.pictures"), w.Say("report.recall"), w.Say("report.precision"),
	}}
	for i, name := range f.ClassOrder {
		c := f.Classes[name]
		out.Classes.Rows = append(out.Classes.Rows, []string{
			names[i], w.Whole(c.Count), w.span(c.Recall, c.RecallLow, c.RecallHigh), w.span(c.Precision, c.PrecisionLow, c.PrecisionHigh),
		})
	}
	return out
}

// mixedUp names the two classes that are mixed up most often.
func (w words) mixedUp(f evaluate.Figures) string {
	most, is, called := 0, 0, 0
	for i, row := range f.Confusion {
		for j, n := range row {
			if i != j && n > most {
				most, is, called = n, i, j
			}
		}
	}
	if most == 0 {
		return w.Say("report.nothing_mixed")
	}
	return w.Count("report.mixed", most, "is", w.class(f.ClassOrder[is]), "called", w.class(f.ClassOrder[called]))
}

// trust says whether the model promises too much.
func (w words) trust(r evaluate.Reliability) string {
	said, right := 0.0, 0.0
	for _, b := range r.Bins {
		said += float64(b.Count) * b.Confidence
		right += float64(b.Count) * b.Accuracy
	}
	off := w.Decimal(100*r.ECE, 1)
	switch {
	case r.ECE <= calibrated:
		return w.Say("report.trust", "off", off)
	case said > right:
		return w.Say("report.trust_less", "off", off)
	}
	return w.Say("report.trust_more", "off", off)
}

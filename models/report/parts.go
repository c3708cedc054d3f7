package report

import (
	"html/template"

	"gourdian/internal/bundle"
	"gourdian/internal/web"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// Part is one drawing for a page of somebody else: its finding as the title, how
// to read it, and the same as a table for those who don't see it.
type Part struct {
	Title, Why string
	Chart      template.HTML
	Head       []string
	Rows       [][]string
}

func (t table) part(title, why string, chart template.HTML) Part {
	return Part{title, why, chart, t.Head, t.Rows}
}

// Parts draws which classes are mixed up and how far the probabilities can be
// trusted, and, where it was measured, what more labels would bring.
func Parts(s *web.Speaker, f evaluate.Figures, l *train.LearningReport, labels []bundle.Class) (parts []Part) {
	w := words{s, classes(labels)}
	if drawn := w.figures(f, nil); drawn != nil {
		parts = append(parts, drawn.MatrixTable.part(drawn.MatrixTitle, w.Say("report.matrix"), drawn.Matrix),
			drawn.ReliabilityTable.part(drawn.ReliabilityTitle, w.Say("report.reliability_why"), drawn.Reliability))
	}
	if curve := w.learning(l); curve != nil {
		parts = append(parts, curve.Table.part(curve.Title, w.Say("report.learning_why"), curve.Chart))
	}
	return parts
}

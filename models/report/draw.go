package report

import (
	"cmp"
	"html/template"
	"slices"

	"gourdian/internal/plot"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

func (w words) percentAxis(title string) plot.Axis {
	return plot.Axis{Title: title, Max: 1, Percent: true}
}

// reliability draws how often the model is right beside how sure it was.
func (w words) reliability(r evaluate.Reliability, title string) (template.HTML, table) {
	t := table{Caption: w.Say("report.reliability"), Head: []string{w.Say("report.sure"), w.Say("report.pictures"), w.Say("report.mean_sure"), w.Say("report.right")}}
	var points []plot.Point
	for _, b := range r.Bins {
		if b.Count == 0 {
			continue
		}
		i := evaluate.Wilson(int(b.Accuracy*float64(b.Count)+.5), b.Count)
		points = append(points, plot.Point{X: b.Confidence, Y: b.Accuracy, Low: i.Low, High: i.High})
		t.Rows = append(t.Rows, []string{
			w.Percent(b.From) + " – " + w.Percent(b.To), w.Whole(b.Count), w.Percent(b.Confidence), w.interval(i),
		})
	}
	return plot.Chart{
		Label: title, X: w.percentAxis(w.Say("report.said")), Y: w.percentAxis(w.Say("report.was_right")), Diagonal: true,
		Lines: []plot.Line{{Class: "s1", Points: points, Dots: true}},
	}.Draw(), t
}

// curves draws precision over recall of each class by its own probability.
func (w words) curves(classes []string, samples []evaluate.Sample) template.HTML {
	chart := plot.Chart{Label: w.Say("report.curves"), X: w.percentAxis(w.Say("report.recall")), Y: w.percentAxis(w.Say("report.precision"))}
	for k, name := range classes {
		if points := precisionRecall(samples, k); len(points) > 0 {
			chart.Lines = append(chart.Lines, plot.Line{Name: w.class(name), Class: w.Verdict(name, w.classes).Tone, Points: points})
		}
	}
	return chart.Draw()
}

// precisionRecall walks down the pictures by their probability of class k. Ties
// make one point.
func precisionRecall(samples []evaluate.Sample, k int) (out []plot.Point) {
	ranked := slices.Clone(samples)
	slices.SortStableFunc(ranked, func(a, b evaluate.Sample) int { return cmp.Compare(b.Probabilities[k], a.Probabilities[k]) })
	positives := 0
	for _, s := range ranked {
		if s.Truth == k {
			positives++
		}
	}
	if positives == 0 {
		return nil
	}
	hits := 0
	for i, s := range ranked {
		if s.Truth == k {
			hits++
		}
		if i+1 < len(ranked) && ranked[i+1].Probabilities[k] == s.Probabilities[k] {
			continue
		}
		p := float64(hits) / float64(i+1)
		out = append(out, plot.Point{X: float64(hits) / float64(positives), Y: p, Low: p, High: p})
	}
	return out
}

// learning draws what a part of the pictures would have reached.
func (w words) learning(r *train.LearningReport) *learning {
	if r == nil {
		return nil
	}
	out := &learning{Table: table{Caption: w.Say("report.learning"), Head: []string{w.Say("report.pictures"), w.Say("report.balanced")}}}
	line := plot.Line{Class: "s1", Dots: true}
	for _, p := range r.Points {
		b := p.BalancedAccuracy
		line.Points = append(line.Points, plot.Point{X: float64(p.Images), Y: b.Value, Low: b.Low, High: b.High})
		out.Table.Rows = append(out.Table.Rows, []string{w.Whole(p.Images), w.interval(b)})
	}
	last := r.Points[len(r.Points)-1]
	out.Title = w.Say("report.learning_flat")
	lines := []plot.Line{line}
	if r.Doubled != nil {
		gain := *r.Doubled - last.BalancedAccuracy.Value
		if gain >= 0.005 {
			out.Title = w.Say("report.learning_gain", "gain", w.Decimal(100*gain, 1))
		}
		at := line.Points[len(line.Points)-1]
		lines = append(lines, plot.Line{Class: "s1", Dashed: true, Dots: true, Points: []plot.Point{
			{X: at.X, Y: at.Y, Low: at.Y, High: at.Y}, {X: 2 * at.X, Y: *r.Doubled, Low: *r.Doubled, High: *r.Doubled},
		}})
		out.Table.Rows = append(out.Table.Rows, []string{w.Whole(2 * last.Images), w.Say("report.expected", "value", w.Percent(*r.Doubled))})
	}
	out.Chart = plot.Chart{Label: out.Title, X: plot.Axis{Title: w.Say("report.trained_on")}, Y: plot.Axis{Title: w.Say("report.balanced"), Percent: true}, Lines: lines}.Draw()
	return out
}

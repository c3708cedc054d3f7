package train

import (
	"context"

	"gourdian/internal/wire"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
)

// learnAgain trains a head on what another form of the network made of the
// same pictures. What the pictures are (groups, folds) and how much they allow
// to be learnt (the penalty) is known by now, so it costs a small part of the
// first head; temperature, thresholds, references and novelty are its own.
func (l *learner) learnAgain(ctx context.Context, network int) error {
	v := &learner{
		task: l.task, name: l.o.Variants[network], classes: l.classes, o: l.o, step: l.step,
		features: l.features, fold: l.fold, folds: l.folds,
		pictures: make([]embed.Picture, len(l.pictures)),
	}
	v.features.Views = make([][][]float32, len(l.pictures))
	for i, p := range l.pictures {
		v.pictures[i] = p.Through(network)
		v.features.Views[i] = v.pictures[i].Views[:len(l.features.Views[i])]
	}
	crossed, err := CrossValidate(ctx, v.features, v.fold, []float64{l.crossed.C}, v.step)
	if err != nil {
		return err
	}
	v.crossed = crossed
	if err := v.decide(); err != nil {
		return err
	}
	if err := v.fit(ctx); err != nil {
		return err
	}
	l.out.Variants = append(l.out.Variants, v.out.Variants...)
	if len(l.out.Report.Variants) == 0 {
		l.out.Report.Variants = []VariantReport{l.compare(l)}
	}
	l.out.Report.Variants = append(l.out.Report.Variants, v.compare(l))
	return nil
}

// compare is v beside the first variant, by what both would have said of
// pictures that neither had seen.
func (l *learner) compare(first *learner) VariantReport {
	f := l.out.Report.Figures
	r := VariantReport{
		Name: l.name, Accuracy: f.Accuracy, Coverage: f.Coverage, AccuracyWhenSure: f.AccuracyWhenSure,
		BalancedAccuracy: f.BalancedAccuracy, BalancedLow: f.BalancedLow, BalancedHigh: f.BalancedHigh,
		Deciding: l.out.Report.Deciding, Flips: map[string]map[string]int{},
	}
	equal := 0
	for i, s := range l.samples {
		mine, other := l.verdict(s), l.verdict(first.samples[i])
		if mine == other {
			equal++
			continue
		}
		if r.Flips[other] == nil {
			r.Flips[other] = map[string]int{}
		}
		r.Flips[other][mine]++
	}
	r.Equal = float64(equal) / float64(len(l.samples))
	return r
}

// verdict is the word that a board would show.
func (l *learner) verdict(s evaluate.Sample) string {
	if s.Unsure {
		return string(wire.Unsure)
	}
	return l.task.Classes[s.Top].Name
}

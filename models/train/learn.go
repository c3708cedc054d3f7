package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gourdian/internal/verdict"
	"gourdian/models"
	"gourdian/models/dataset"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
)

// Least numbers below which nothing can be learnt and held out.
const (
	picturesLeast = 5 // of a class
	groupsLeast   = 2 // of a class: one to train on, one to measure on
	foldsWanted   = 5
	// picturesFew and groupsFew are the numbers of a class below which its
	// figures are warned about.
	picturesFew = 50
	groupsFew   = 10
	// rowsMost bounds the memory of the features: 250 MB of float64 at 1,280
	// values. Above it pictures are seen in fewer views.
	rowsMost = 25_000
)

// Learned is a trained head for each variant, with all that belongs to their
// numbers.
type Learned struct {
	Task     models.Task
	Variants []Variant // in the order asked for
	Report   Report
}

// Variant is the head of one form of the backbone.
type Variant struct {
	Name       string
	Scaler     Scaler
	Head       Softmax
	Params     verdict.Params
	Thresholds []Threshold
}

// Options of a training.
type Options struct {
	Seed  uint64
	Folds int    // 0 = foldsWanted, or as many as there are groups
	Kind  string // of the pictures: dataset.KindPhotos, ...
	// Variants names the forms of the backbone in the order in which the
	// pictures hold their embeddings.
	Variants []string
	Curve    bool // whether to measure the learning curve too
	// Penalties is the grid that C is chosen from, strongest first; empty =
	// Penalties().
	Penalties []float64
	// Begin is told the number of parts of the work before the first of them
	// and returns what is called after each.
	Begin func(parts int) (part func())
}

// grid is what C is chosen from.
func (o *Options) grid() []float64 {
	if len(o.Penalties) > 0 {
		return o.Penalties
	}
	return Penalties()
}

// Learn trains a head for each variant on embedded pictures and measures it on
// unseen groups. Groups, folds and the penalty are those of the first variant;
// everything else is each one's own. It computes with nothing but its arguments,
// so equal arguments give equal results to the last bit.
func Learn(ctx context.Context, task models.Task, pictures []embed.Picture, o Options) (*Learned, error) {
	l := &learner{task: task, name: o.Variants[0], classes: len(task.Classes), pictures: pictures, o: o}
	if err := l.group(); err != nil {
		return nil, err
	}
	parts := l.folds*(len(l.o.grid())+len(baselinePenalties())) + 1 + (len(o.Variants)-1)*(l.folds+1)
	if o.Curve {
		parts += len(shares()) * l.folds
	}
	l.step = o.Begin(parts)
	if err := l.crossValidate(ctx); err != nil {
		return nil, err
	}
	if err := l.decide(); err != nil {
		return nil, err
	}
	if err := l.baseline(ctx); err != nil {
		return nil, err
	}
	if o.Curve {
		if err := l.curve(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.fit(ctx); err != nil {
		return nil, err
	}
	l.out.Task = task
	for n := range o.Variants[1:] {
		if err := l.learnAgain(ctx, n+1); err != nil {
			return nil, fmt.Errorf("variant %s: %w", o.Variants[n+1], err)
		}
	}
	l.warn()
	return &l.out, nil
}

// fit trains the final head on everything.
func (l *learner) fit(ctx context.Context) (err error) {
	if l.variant.Scaler, l.variant.Head, err = FitAll(ctx, l.features, l.crossed.C); err != nil {
		return err
	}
	l.step()
	l.variant.Name = l.name
	l.out.Variants = append(l.out.Variants, l.variant)
	return nil
}

// learner holds what the steps of one training share.
type learner struct {
	task     models.Task
	name     string // of the variant
	classes  int
	pictures []embed.Picture
	o        Options

	features Features
	fold     []int
	folds    int
	suspects []dataset.Pair
	crossed  Crossed
	step     func()
	novelty  []float64 // held out, of each picture
	samples  []evaluate.Sample
	variant  Variant
	out      Learned
}

// group numbers classes and groups, checks that there is enough of both, and
// deals the folds.
func (l *learner) group() error {
	names := l.task.Names()
	looks := make([]dataset.Look, len(l.pictures))
	for i, p := range l.pictures {
		l.features.Class = append(l.features.Class, slices.Index(names, p.Entry.Class))
		looks[i] = dataset.Look{Group: p.Entry.Group, Source: p.Entry.Source, Hash: p.Hash, Embedding: p.Views[0]}
	}
	l.features.Classes = l.classes
	l.features.Group, l.suspects = dataset.Cluster(looks)
	if err := l.enough(); err != nil {
		return err
	}
	views := max(1, min(len(l.pictures[0].Views), rowsMost/len(l.pictures)))
	for _, p := range l.pictures {
		l.features.Views = append(l.features.Views, p.Views[:views])
	}
	groups := slices.Max(l.features.Group) + 1
	l.folds = l.o.Folds
	if l.folds == 0 {
		l.folds = min(foldsWanted, groups)
	}
	fold, err := Folds(l.features.Class, l.features.Group, l.classes, l.folds, l.o.Seed)
	if err != nil {
		return err
	}
	l.fold = fold
	l.describe(groups)
	return nil
}

// enough refuses classes that cannot be learnt, all of them in one error.
func (l *learner) enough() error {
	var faults []string
	for k, name := range l.task.Names() {
		pictures, groups := l.count(k)
		switch {
		case pictures < picturesLeast:
			faults = append(faults, fmt.Sprintf("class %q has %d usable pictures, at least %d are needed", name, pictures, picturesLeast))
		case groups < groupsLeast:
			faults = append(faults, fmt.Sprintf("all %d pictures of class %q belong to one group, so it cannot be tested on pictures it was not trained on", pictures, name))
		}
	}
	if faults == nil {
		return nil
	}
	return errors.New(strings.Join(faults, "; ") + ": add pictures, or merge or drop the class with --map")
}

// count returns the pictures and groups of a class.
func (l *learner) count(class int) (pictures, groups int) {
	seen := map[int]bool{}
	for i, c := range l.features.Class {
		if c == class {
			pictures++
			seen[l.features.Group[i]] = true
		}
	}
	return pictures, len(seen)
}

func (l *learner) describe(groups int) {
	r := &l.out.Report
	r.Task, r.Seed, r.Folds = l.task.Name, l.o.Seed, l.folds
	given := map[string]bool{}
	r.Data = DataReport{Kind: l.o.Kind, Images: len(l.pictures), Groups: groups, Classes: map[string]int{}}
	for _, p := range l.pictures {
		r.Data.Classes[p.Entry.Class]++
		if p.Entry.Group != "" {
			given[p.Entry.Group] = true
		}
		if p.Trimmed {
			r.Data.Trimmed++
		}
	}
	r.Data.Given = len(given)
	for _, s := range l.suspects {
		r.Data.Suspects = append(r.Data.Suspects, SuspectPair{
			l.pictures[s.A].Entry.File, l.pictures[s.B].Entry.File, l.fold[s.A] != l.fold[s.B],
		})
	}
}

func (l *learner) crossValidate(ctx context.Context) error {
	crossed, err := CrossValidate(ctx, l.features, l.fold, l.o.grid(), l.step)
	if err != nil {
		return err
	}
	l.crossed = crossed
	r := &l.out.Report
	r.C = crossed.C
	for i, c := range l.o.grid() {
		r.Grid = append(r.Grid, GridPoint{c, crossed.LogLoss[i]})
	}
	if coarse := slices.Index(embed.TrainingViews(), embed.Coarse); coarse < len(l.features.Views[0]) {
		logits := make([][]float64, len(crossed.Views))
		for i, v := range crossed.Views {
			logits[i] = v[coarse]
		}
		r.Coarse.BalancedAccuracy = evaluate.Number(balancedAccuracy(logits, l.features.Class, l.classes))
	}
	return nil
}

// decide fits temperature, thresholds and novelty on out-of-fold scores, and
// measures what they would have decided about folds that they were not fitted
// on.
func (l *learner) decide() error {
	references := PickReferences(l.features.Class, l.features.Group, l.classes, referencesMost)
	k := Neighbours(len(references))
	plain := make([][]float32, len(l.pictures))
	for i, p := range l.pictures {
		plain[i] = p.Views[0]
	}
	l.novelty = HeldOutNovelty(plain, l.features.Group, references, k)
	rows := make([][]float32, len(references))
	for n, i := range references {
		rows[n] = plain[i]
	}
	packed, err := verdict.Quantise(rows, k)
	if err != nil {
		return fmt.Errorf("pack reference embeddings: %w", err)
	}
	all := func(int) bool { return true }
	rule := l.rule(all)
	l.variant.Thresholds = rule.thresholds
	l.variant.Params = verdict.Params{
		Classes: l.task.Names(), Temperature: rule.temperature, Thresholds: rule.values(),
		References: packed, Novelty: rule.novelty,
	}
	l.samples = l.judge()
	l.out.Report.Judged = make([]evaluate.Judged, len(l.samples))
	for i, s := range l.samples {
		l.out.Report.Judged[i] = evaluate.Judged{Entry: l.pictures[i].Entry, Sample: s}
	}
	l.out.Report.Figures = evaluate.Measure(l.task.Names(), l.samples, evaluate.Options{Grouped: true, Seed: l.o.Seed})
	d := &l.out.Report.Deciding
	*d = DecidingReport{Temperature: rule.temperature, Novelty: rule.novelty, Neighbours: k, References: len(references), Thresholds: map[string]Threshold{}}
	for i, name := range l.task.Names() {
		d.Thresholds[name] = rule.thresholds[i]
	}
	unlike := 0
	for _, s := range l.samples {
		if s.Reason == "novel" {
			unlike++
		}
	}
	d.Unlike = float64(unlike) / float64(len(l.samples))
	return nil
}

// rule is what turns out-of-fold scores into verdicts.
type rule struct {
	temperature float64
	thresholds  []Threshold
	novelty     float64
}

func (r rule) values() []float64 {
	out := make([]float64, len(r.thresholds))
	for k, t := range r.thresholds {
		out[k] = t.Value
	}
	return out
}

// rule fits a rule to the out-of-fold scores of the folds that use chooses.
func (l *learner) rule(use func(fold int) bool) rule {
	var logits [][]float64
	var class []int
	var novelty []float64
	for i, f := range l.fold {
		if use(f) {
			logits = append(logits, l.crossed.Logits[i])
			class = append(class, l.features.Class[i])
			novelty = append(novelty, l.novelty[i])
		}
	}
	targets := make([]float64, l.classes)
	for k, c := range l.task.Classes {
		targets[k] = c.Precision
	}
	t := Temperature(logits, class, l.classes)
	return rule{t, Thresholds(Probabilities(logits, t), class, targets), NoveltyThreshold(novelty)}
}

// judge decides about every picture by a rule fitted to the other folds, so
// that neither head nor rule has seen it.
func (l *learner) judge() []evaluate.Sample {
	rules := make([]rule, l.folds)
	for f := range rules {
		rules[f] = l.rule(func(other int) bool { return other != f })
	}
	out := make([]evaluate.Sample, len(l.pictures))
	for i, p := range l.pictures {
		r := rules[l.fold[i]]
		probabilities := Probabilities(l.crossed.Logits[i:i+1], r.temperature)[0]
		s := evaluate.Sample{
			File: p.Entry.File, Group: l.features.Group[i], Truth: l.features.Class[i],
			Top: argmax(probabilities), Probabilities: probabilities,
		}
		switch {
		case l.novelty[i] > r.novelty:
			s.Unsure, s.Reason = true, "novel"
		case probabilities[s.Top] < r.thresholds[s.Top].Value:
			s.Unsure, s.Reason = true, "low_confidence"
		}
		out[i] = s
	}
	return out
}

// baseline repeats the cross-validation on colour and size.
func (l *learner) baseline(ctx context.Context) error {
	f := l.features
	f.Views = make([][][]float32, len(l.pictures))
	for i, p := range l.pictures {
		f.Views[i] = [][]float32{p.Colour}
	}
	crossed, err := CrossValidate(ctx, f, l.fold, baselinePenalties(), l.step)
	if err != nil {
		return fmt.Errorf("baseline of colour and size: %w", err)
	}
	top := make([]int, len(l.pictures))
	for i, z := range crossed.Logits {
		top[i] = argmax(z)
	}
	gain := evaluate.Difference(l.classes, l.samples, top, evaluate.Options{Grouped: true, Seed: l.o.Seed})
	l.out.Report.Baseline = BaselineReport{BalancedAccuracy: crossed.Accurate, Gain: gain, Earned: gain.Low > 0}
	return nil
}

// baselinePenalties is the grid for a few dozen features: as long as
// Penalties, but weaker.
func baselinePenalties() []float64 { return []float64{0.01, 0.03, 0.1, 1, 10, 100, 1000} }

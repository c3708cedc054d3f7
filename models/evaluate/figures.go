package evaluate

import "math"

// Figures are what the samples of one data set say about a model. A figure
// that no picture stands behind is null.
type Figures struct {
	Images           int                    `json:"images"`
	Groups           int                    `json:"groups"`
	Intervals        string                 `json:"intervals"` // IntervalsByGroup or IntervalsWilson
	Accuracy         *float64               `json:"accuracy"`  // top class right, sure or not
	AccuracyLow      *float64               `json:"accuracy_low"`
	AccuracyHigh     *float64               `json:"accuracy_high"`
	BalancedAccuracy *float64               `json:"balanced_accuracy"` // mean of the classes' recalls
	Coverage         *float64               `json:"coverage"`          // share that is not unsure
	AccuracyWhenSure *float64               `json:"accuracy_when_sure"`
	Unsure           map[string]int         `json:"unsure,omitempty"` // by reason
	Classes          map[string]ClassFigure `json:"classes"`
	ClassOrder       []string               `json:"class_order"`
	Confusion        [][]int                `json:"confusion"` // [truth][top class], in ClassOrder
	Reliability      Reliability            `json:"reliability"`
	OperatingPoints  []OperatingPoint       `json:"operating_points"`
}

// Ways in which intervals are made.
const (
	IntervalsByGroup = "bootstrap over groups, 2000 draws"
	IntervalsWilson  = "Wilson, pictures taken as independent"
)

// ClassFigure is what holds for one class. Figures that no picture stands
// behind are null.
type ClassFigure struct {
	Recall        *float64 `json:"recall"`
	RecallLow     *float64 `json:"recall_low"`
	RecallHigh    *float64 `json:"recall_high"`
	Precision     *float64 `json:"precision"`
	PrecisionLow  *float64 `json:"precision_low"`
	PrecisionHigh *float64 `json:"precision_high"`
	Count         int      `json:"count"`     // pictures of this class
	Predicted     int      `json:"predicted"` // pictures whose top class it is
}

// Options say how intervals are made.
type Options struct {
	Grouped bool // whether Sample.Group is meaningful
	Seed    uint64
}

// Measure computes all figures. Sample.Group must be below the number of
// samples when o.Grouped.
func Measure(classes []string, samples []Sample, o Options) Figures {
	m := newMeter(len(classes), samples, o)
	f := Figures{
		Images: len(samples), Groups: m.groups, Intervals: IntervalsWilson,
		ClassOrder: classes, Confusion: m.confusion(),
		Classes: map[string]ClassFigure{}, Unsure: map[string]int{},
	}
	if o.Grouped {
		f.Intervals = IntervalsByGroup
	}
	sure, sureRight := 0, 0
	for _, s := range samples {
		if s.Unsure {
			f.Unsure[s.Reason]++
			continue
		}
		sure++
		if s.Top == s.Truth {
			sureRight++
		}
	}
	accuracy := m.share(func(s Sample) bool { return s.Top == s.Truth }, everything)
	f.Accuracy, f.AccuracyLow, f.AccuracyHigh = Number(accuracy.Value), Number(accuracy.Low), Number(accuracy.High)
	f.Coverage = Number(float64(sure) / float64(len(samples)))
	f.AccuracyWhenSure = Number(float64(sureRight) / float64(sure))
	recalls, present := 0.0, 0
	for k, name := range classes {
		c, recall := m.class(k)
		f.Classes[name] = c
		if c.Count > 0 {
			recalls += recall
			present++
		}
	}
	f.BalancedAccuracy = Number(recalls / float64(present))
	f.Reliability = reliability(samples)
	f.OperatingPoints = m.operatingPoints(classes)
	return f
}

// meter holds what the single figures share.
type meter struct {
	classes int
	samples []Sample
	groups  int
	draws   *Bootstrap // nil: Wilson
}

func newMeter(classes int, samples []Sample, o Options) *meter {
	m := &meter{classes: classes, samples: samples}
	if !o.Grouped || len(samples) == 0 {
		m.groups = len(samples)
		return m
	}
	for _, s := range samples {
		m.groups = max(m.groups, s.Group+1)
	}
	m.draws = NewBootstrap(m.groups, o.Seed)
	return m
}

func everything(Sample) bool { return true }

// share is the part of the samples of a kind that are hits.
func (m *meter) share(hit, of func(Sample) bool) Interval {
	n, hits := 0, 0
	type count struct{ n, hits float64 }
	counts := make([]count, m.groups)
	for _, s := range m.samples {
		if !of(s) {
			continue
		}
		n++
		if m.draws != nil {
			counts[s.Group].n++
		}
		if hit(s) {
			hits++
			if m.draws != nil {
				counts[s.Group].hits++
			}
		}
	}
	if m.draws == nil {
		return Wilson(hits, n)
	}
	return m.draws.Interval(func(weight []float64) float64 {
		var all, right float64
		for g, c := range counts {
			all += weight[g] * c.n
			right += weight[g] * c.hits
		}
		if all == 0 {
			return math.NaN()
		}
		return right / all
	})
}

func (m *meter) class(k int) (ClassFigure, float64) {
	isTruth := func(s Sample) bool { return s.Truth == k }
	isTop := func(s Sample) bool { return s.Top == k }
	recall, precision := m.share(isTop, isTruth), m.share(isTruth, isTop)
	c := ClassFigure{
		Recall: Number(recall.Value), RecallLow: Number(recall.Low), RecallHigh: Number(recall.High),
		Precision: Number(precision.Value), PrecisionLow: Number(precision.Low), PrecisionHigh: Number(precision.High),
	}
	for _, s := range m.samples {
		if isTruth(s) {
			c.Count++
		}
		if isTop(s) {
			c.Predicted++
		}
	}
	return c, recall.Value
}

func (m *meter) confusion() [][]int {
	out := make([][]int, m.classes)
	for k := range out {
		out[k] = make([]int, m.classes)
	}
	for _, s := range m.samples {
		out[s.Truth][s.Top]++
	}
	return out
}

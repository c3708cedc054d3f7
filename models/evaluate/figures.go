package evaluate

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
	BalancedLow      *float64               `json:"balanced_accuracy_low"`
	BalancedHigh     *float64               `json:"balanced_accuracy_high"`
	Coverage         *float64               `json:"coverage"` // share that is not unsure
	AccuracyWhenSure *float64               `json:"accuracy_when_sure"`
	Unsure           map[string]int         `json:"unsure,omitempty"` // by reason
	Classes          map[string]ClassFigure `json:"classes"`
	ClassOrder       []string               `json:"class_order"`
	Confusion        [][]int                `json:"confusion"` // [truth][top class], in ClassOrder
	Reliability      Reliability            `json:"reliability"`
	OperatingPoints  []OperatingPoint       `json:"operating_points"`
}

// Ways in which intervals of shares are made. Balanced accuracy, AUC and
// operating points always have a bootstrap's, over pictures where no groups
// are given.
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
	balanced := m.balanced()
	f.BalancedAccuracy, f.BalancedLow, f.BalancedHigh = Number(balanced.Value), Number(balanced.Low), Number(balanced.High)
	for k, name := range classes {
		f.Classes[name] = m.class(k)
	}
	f.Reliability = reliability(samples)
	f.OperatingPoints = m.operatingPoints(classes)
	return f
}

// Balanced is the mean recall over the classes that the samples hold, with its
// interval.
func Balanced(classes int, samples []Sample, o Options) Interval {
	return newMeter(classes, samples, o).balanced()
}

// meter holds what the single figures share.
type meter struct {
	classes int
	samples []Sample
	group   []int // of each sample; its own where none is given
	groups  int
	wilson  bool // whether shares of pictures get Wilson's interval
	draws   *Bootstrap
}

func newMeter(classes int, samples []Sample, o Options) *meter {
	m := &meter{classes: classes, samples: samples, wilson: !o.Grouped}
	for i, s := range samples {
		g := i
		if o.Grouped {
			g = s.Group
		}
		m.group = append(m.group, g)
		m.groups = max(m.groups, g+1)
	}
	m.draws = NewBootstrap(max(1, m.groups), o.Seed)
	return m
}

func everything(Sample) bool { return true }

// tally is a share that is not yet divided.
type tally struct{ hits, n float64 }

// count counts, group by group, the samples of a kind and the hits among them.
func (m *meter) count(hit, of func(Sample) bool) (groups []tally, all tally) {
	groups = make([]tally, max(1, m.groups))
	for i, s := range m.samples {
		if !of(s) {
			continue
		}
		all.n++
		groups[m.group[i]].n++
		if hit(s) {
			all.hits++
			groups[m.group[i]].hits++
		}
	}
	return groups, all
}

// weighted is the share over a draw of the groups.
func weighted(groups []tally, weight []uint8) float64 {
	var all tally
	for g, t := range groups {
		all.n += float64(weight[g]) * t.n
		all.hits += float64(weight[g]) * t.hits
	}
	return all.hits / all.n
}

// share is the part of the samples of a kind that are hits. Where all groups
// agree, no resample ever differs and a bootstrap would promise certainty;
// then the interval is Wilson's over the groups.
func (m *meter) share(hit, of func(Sample) bool) Interval {
	groups, all := m.count(hit, of)
	if m.wilson {
		return Wilson(int(all.hits), int(all.n))
	}
	if all.n > 0 && (all.hits == 0 || all.hits == all.n) {
		return unanimous(all.hits > 0, groups)
	}
	return m.draws.Interval(func(weight []uint8) float64 { return weighted(groups, weight) })
}

// unanimous is Wilson's interval over the groups that have any samples.
func unanimous(yes bool, groups []tally) Interval {
	n := 0
	for _, t := range groups {
		if t.n > 0 {
			n++
		}
	}
	if yes {
		return Wilson(n, n)
	}
	return Wilson(0, n)
}

// balanced is the mean recall over the classes that the samples hold.
func (m *meter) balanced() Interval {
	var classes [][]tally
	for k := range m.classes {
		groups, all := m.count(func(s Sample) bool { return s.Top == k }, func(s Sample) bool { return s.Truth == k })
		if all.n > 0 {
			classes = append(classes, groups)
		}
	}
	return m.draws.Interval(func(weight []uint8) float64 {
		sum := 0.0
		for _, groups := range classes {
			sum += weighted(groups, weight)
		}
		return sum / float64(len(classes))
	})
}

func (m *meter) class(k int) ClassFigure {
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
	return c
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

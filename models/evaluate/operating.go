package evaluate

import (
	"cmp"
	"math"
	"slices"
)

// FalseAlarms is the share of the other class that an operating point allows
// to be taken for the class.
const FalseAlarms = 0.05

// OperatingPoint says how well one class is told from one other by its own
// calibrated probability.
type OperatingPoint struct {
	Class   string `json:"class"`
	Against string `json:"against"`
	// Recall is the share of Class above the threshold that at most 5 % of
	// Against exceed.
	Recall    Interval `json:"recall"`
	Threshold float64  `json:"threshold"`
	// AUC is the chance that a picture of Class has a higher probability of
	// Class than one of Against; ties count half.
	AUC Interval `json:"auc"`
}

// operatingPoints measures every class against every other one. The threshold
// is found again in every draw, so its own uncertainty is in the interval.
func (m *meter) operatingPoints(classes []string) []OperatingPoint {
	var out []OperatingPoint
	for a := range classes {
		for b := range classes {
			if a == b {
				continue
			}
			ranked := m.rank(a, b)
			if ranked == nil {
				continue
			}
			ones := make([]uint8, max(1, m.groups))
			for i := range ones {
				ones[i] = 1
			}
			out = append(out, OperatingPoint{
				Class: classes[a], Against: classes[b],
				Recall:    m.recallInterval(ranked),
				AUC:       m.draws.Interval(func(w []uint8) float64 { return auc(ranked, w) }),
				Threshold: func() float64 { _, threshold := recallAt(ranked, ones); return threshold }(),
			})
		}
	}
	return out
}

// scored is a picture of either class by its probability of the first.
type scored struct {
	p        float64
	positive bool
	group    int
}

// rank lists the pictures of classes a and b, highest probability of a first;
// nil where one of them has none.
func (m *meter) rank(a, b int) []scored {
	var out []scored
	var count [2]int
	for i, s := range m.samples {
		if s.Truth != a && s.Truth != b {
			continue
		}
		out = append(out, scored{s.Probabilities[a], s.Truth == a, m.group[i]})
		if s.Truth == a {
			count[0]++
		} else {
			count[1]++
		}
	}
	if count[0] == 0 || count[1] == 0 {
		return nil
	}
	slices.SortStableFunc(out, func(x, y scored) int { return cmp.Compare(y.p, x.p) })
	return out
}

// recallInterval is the recall at the operating point. As in share, resamples
// cannot doubt a recall of 1, so its lower end is Wilson's over the groups of
// the class where that is lower.
func (m *meter) recallInterval(ranked []scored) Interval {
	i := m.draws.Interval(func(w []uint8) float64 { recall, _ := recallAt(ranked, w); return recall })
	if i.Value == 1 {
		groups := map[int]bool{}
		for _, s := range ranked {
			if s.positive {
				groups[s.group] = true
			}
		}
		i.Low = min(i.Low, Wilson(len(groups), len(groups)).Low)
	}
	return i
}

// recallAt walks down the ranking as long as the false alarms allow it.
func recallAt(ranked []scored, weight []uint8) (recall, threshold float64) {
	positives, negatives := totals(ranked, weight)
	if positives == 0 || negatives == 0 {
		return math.NaN(), math.NaN()
	}
	var hits, alarms float64
	threshold = math.Nextafter(ranked[0].p, 2)
	for i := 0; i < len(ranked); {
		p := ranked[i].p
		for ; i < len(ranked) && ranked[i].p == p; i++ {
			if ranked[i].positive {
				hits += float64(weight[ranked[i].group])
			} else {
				alarms += float64(weight[ranked[i].group])
			}
		}
		if alarms > FalseAlarms*negatives {
			return recall, threshold
		}
		recall, threshold = hits/positives, p
	}
	return recall, threshold
}

// auc is the area under the receiver's curve: Mann and Whitney's statistic.
func auc(ranked []scored, weight []uint8) float64 {
	positives, negatives := totals(ranked, weight)
	if positives == 0 || negatives == 0 {
		return math.NaN()
	}
	var above, sum float64 // weight of the positives ranked higher
	for i := 0; i < len(ranked); {
		p := ranked[i].p
		var pos, neg float64
		for ; i < len(ranked) && ranked[i].p == p; i++ {
			if ranked[i].positive {
				pos += float64(weight[ranked[i].group])
			} else {
				neg += float64(weight[ranked[i].group])
			}
		}
		sum += neg * (above + pos/2)
		above += pos
	}
	return sum / (positives * negatives)
}

func totals(ranked []scored, weight []uint8) (positives, negatives float64) {
	for _, s := range ranked {
		if s.positive {
			positives += float64(weight[s.group])
		} else {
			negatives += float64(weight[s.group])
		}
	}
	return positives, negatives
}

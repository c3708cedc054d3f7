package drift

import (
	"cmp"
	"slices"
)

// Watched days decide together: an alarm needs Chosen of them to be chosen.
const (
	Watched = 5
	Chosen  = 2
)

const (
	// fdr is the largest share of false ones among those that are chosen on a day.
	fdr   = 0.10
	month = 30
	// followed is how often a day that is chosen although nothing happened is
	// followed by another within those that are watched: their windows overlap.
	// Measured with TestAQuietMonthKeepsTheBudget's fleets: 0.3 to 0.5.
	followed = 0.5
)

// Limits follow from the number of false alarms that people bear.
type Limits struct {
	FDR      float64 // of Benjamini-Hochberg
	Expected float64 // false alarms in 30 days over the whole fleet, at most
}

// LimitsFor returns the limits for at most budget false alarms in 30 days over
// the whole fleet: where nothing happens, a day is chosen somewhere with
// probability FDR, and that is an alarm when the camera is chosen again.
func LimitsFor(budget float64) Limits {
	l := Limits{FDR: min(fdr, budget/(month*followed))}
	l.Expected = month * followed * l.FDR
	return l
}

// choose marks the scores of one day: Benjamini-Hochberg over the cameras that
// have no alarm, and each of the others by itself.
func choose(scores []Score, alarmed []bool, cameras int, limits Limits) {
	var order []*Score
	for i := range scores {
		switch s := &scores[i]; {
		case s.Muted:
		case alarmed[i]:
			s.Hit = s.P <= ordinary // it is an alarm already: does it last?
		default:
			order = append(order, s)
		}
	}
	slices.SortStableFunc(order, func(a, b *Score) int { return cmp.Compare(a.P, b.P) })
	for i := len(order) - 1; i >= 0; i-- {
		if order[i].P > limits.FDR*float64(i+1)/float64(cameras) {
			continue
		}
		for _, one := range order[:i+1] {
			one.Hit = true
		}
		return
	}
}

// Lasting reports whether a camera's newest scores, oldest first, are an alarm,
// and which of them say so. Scores that lie farther apart than days can be
// joined don't belong together: the camera was away.
func Lasting(scores []Score) (moved []Score, alarm bool) {
	if len(scores) == 0 {
		return nil, false
	}
	scores = scores[max(0, len(scores)-Watched):]
	for i := len(scores) - 1; i > 0; i-- {
		if scores[i].Date-scores[i-1].Date > longestSpan || scores[i].Model != scores[i-1].Model {
			scores = scores[i:]
			break
		}
	}
	for _, s := range scores {
		if s.Hit {
			moved = append(moved, s)
		}
	}
	return moved, len(moved) >= Chosen && scores[len(scores)-1].Hit
}

// ordinary is the p-value above which a day is like any other.
const ordinary = 0.05

// Quiet reports whether nothing has stood out for as long as is watched.
func Quiet(scores []Score) bool {
	if len(scores) < Watched {
		return false
	}
	for _, s := range scores[len(scores)-Watched:] {
		if s.P < ordinary {
			return false
		}
	}
	return true
}

const (
	// many is the share of cameras that must move together to be one alarm for
	// all, manyLeast how many at least. They must also be most of those that
	// moved: two with dirt and one with a new variety have nothing in common.
	many      = 0.20
	manyLeast = 3
)

// Together returns the scores of a day's cameras that moved for the same
// reason, where they are so many that there is a common cause; else none.
func Together(scores []Score) []Score {
	judged := 0
	by := map[Reason][]Score{}
	for i := range scores {
		if scores[i].Muted {
			continue
		}
		judged++
		if scores[i].Hit {
			reason := Explain(scores[i : i+1]).Reason
			by[reason] = append(by[reason], scores[i])
		}
	}
	for _, moved := range by {
		if len(moved) >= manyLeast && float64(len(moved)) > many*float64(judged) && 2*len(moved) > hits(by) {
			return moved
		}
	}
	return nil
}

func hits(by map[Reason][]Score) (n int) {
	for _, moved := range by {
		n += len(moved)
	}
	return n
}

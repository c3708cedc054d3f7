package drift

import (
	"math"
	"slices"

	"gourdian/internal/sketch"
)

const (
	// leastBorrowed is how many reference days there must be for a score at all;
	// below Rules.Learn the spread from day to day is borrowed from the fleet.
	leastBorrowed = 3
	// recently is how far back the newest reference may lie, in days: after a
	// longer absence the season is another, and a camera learns anew.
	recently = 60
)

// Stream is one camera with its blocks, oldest first.
type Stream struct {
	Key    string
	Blocks []Block
	// Alarmed: an alarm about the camera is open. What is known to have moved
	// must not lower the bar for the others, as it would within one procedure.
	Alarmed bool
}

// Score is what a camera's day is worth.
type Score struct {
	Key   string
	Date  int
	Model string
	N     int
	Span  int
	Refs  int     // reference days
	Muted bool    // too few of them to raise an alarm
	P     float64 // how often a day and those before it are as unlike when nothing happens
	Hit   bool    // chosen by Benjamini-Hochberg over the cameras of the day
	// Groups has the p-value of each group, Deviations how many standard
	// deviations each measure lies from its reference.
	Groups     [groups]float64
	Deviations [Measures]float64
	// Means are those of the day, Usual of its references, Spread how far a day
	// usually lies from them; all on the scales of the measures.
	Means, Usual, Spread [Measures]float64
}

// deviations are how far a day lies in each group, and the window that ends
// with it.
type deviations [2][groups]float64

// null is what the fleet's reference days deviate when nothing happens.
type null struct {
	rules  Rules
	scale  deviations        // what one in ten exceeds
	groups [groups][]float64 // of day and window the farther, in units of scale, sorted
	all    []float64         // farthest of all groups, sorted
	spread [Measures]float64 // usual variance from day to day
}

// Judge scores the blocks that end at date. cameras is how many there are in
// the fleet, also those that have not told the day: they count as unmoved, so
// that the first to report are judged no more strictly than the last.
func Judge(streams []Stream, date, cameras int, rules Rules, limits Limits) []Score {
	pool := learn(streams, date, rules)
	var scores []Score
	var alarmed []bool
	for i := range streams {
		at := slices.IndexFunc(streams[i].Blocks, func(b Block) bool { return b.Date == date })
		if at < 0 {
			continue
		}
		score, ok := pool.score(&streams[i], at)
		if ok {
			scores = append(scores, score)
			alarmed = append(alarmed, streams[i].Alarmed)
		}
	}
	choose(scores, alarmed, max(cameras, len(scores)), limits)
	return scores
}

// refsOf are the reference days of the block at a place.
func refsOf(blocks []Block, at int, rules Rules) []*Block {
	var refs []*Block
	for i := at - rules.window() - rules.gap(); i >= 0 && len(refs) < rules.references(); i-- {
		b := &blocks[i]
		if b.Model != blocks[at].Model || blocks[at].Date-b.Date > recently+rules.references() {
			break
		}
		if len(refs) == 0 && blocks[at].Date-b.Date > recently {
			break
		}
		if !b.Excluded {
			refs = append(refs, b)
		}
	}
	slices.Reverse(refs)
	return refs
}

// learn makes the pool of null deviations of a day: every reference day of
// every camera with enough of them, against that camera's others.
func learn(streams []Stream, date int, rules Rules) *null {
	pool := null{rules: rules}
	var held []deviations
	var spreads [][Measures]float64
	for i := range streams {
		at := slices.IndexFunc(streams[i].Blocks, func(b Block) bool { return b.Date >= date })
		if at < 0 {
			if at = len(streams[i].Blocks) - 1; at < 0 {
				continue
			}
		}
		refs := refsOf(streams[i].Blocks, at, rules)
		if len(refs) < rules.Learn {
			continue
		}
		spreads = append(spreads, baselineOf(refs).variance)
		for end := range refs {
			begin := max(0, end+1-rules.window())
			others := slices.Concat(refs[:max(0, begin-rules.gap())], refs[min(len(refs), end+rules.gap()+1):])
			_, d := baselineOf(others).deviate(refs[begin : end+1])
			held = append(held, d)
		}
	}
	pool.spread = medians(spreads)
	one := make([]float64, len(held))
	for kind := range pool.scale {
		for g := range groups {
			for i := range held {
				one[i] = held[i][kind][g]
			}
			slices.Sort(one)
			pool.scale[kind][g] = leastScale
			if len(one) > 0 {
				pool.scale[kind][g] = max(leastScale, one[len(one)*9/10])
			}
		}
	}
	for i := range held {
		far, all := pool.far(held[i])
		for g, v := range far {
			pool.groups[g] = append(pool.groups[g], v)
		}
		pool.all = append(pool.all, all)
	}
	for g := range groups {
		slices.Sort(pool.groups[g])
	}
	slices.Sort(pool.all)
	return &pool
}

// leastScale is that of a group that hardly ever moves, as corrections do on a
// farm where nobody corrects.
const leastScale = 1

func medians(all [][Measures]float64) (m [Measures]float64) {
	if len(all) == 0 {
		return m
	}
	one := make([]float64, len(all))
	for i := range m {
		for j := range all {
			one[j] = all[j][i]
		}
		slices.Sort(one)
		m[i] = one[len(one)/2]
	}
	return m
}

// far is how far a day lies in each group, alone or with those before it, and
// in the group that lies farthest. Each is measured by what its null deviations
// seldom exceed.
func (p *null) far(d deviations) (by [groups]float64, all float64) {
	for g := range groups {
		by[g] = max(d[0][g]/p.scale[0][g], d[1][g]/p.scale[1][g])
		if g < raising {
			all = max(all, by[g])
		}
	}
	return by, all
}

// atLeast is the share of a sorted null that is at least v, v itself counted in.
func atLeast(sorted []float64, v float64) float64 {
	below, _ := slices.BinarySearch(sorted, v)
	return float64(1+len(sorted)-below) / float64(1+len(sorted))
}

// tail is the power with which p-values fall beyond the farthest null deviation.
// That of Student's t with 3 degrees of freedom is heavier than what is met, so
// a small fleet can tell a gross change and never takes a chance for one.
const tail = 3

// beyond is atLeast, which on its own can't be smaller than the null is large.
func beyond(sorted []float64, v float64) float64 {
	p := atLeast(sorted, v)
	if top := sorted[len(sorted)-1]; v > top && top > 0 {
		p *= math.Pow(top/v, tail)
	}
	return p
}

// score compares a block with its references; ok is false where there are too
// few, or none in the whole fleet to learn from.
func (p *null) score(s *Stream, at int) (Score, bool) {
	b := &s.Blocks[at]
	refs := refsOf(s.Blocks, at, p.rules)
	score := Score{Key: s.Key, Date: b.Date, Model: b.Model, N: b.N, Span: b.Span, Refs: len(refs), Muted: len(refs) < p.rules.Learn, P: 1}
	if len(refs) < leastBorrowed || len(p.all) == 0 {
		return score, false
	}
	base := baselineOf(refs)
	if score.Muted {
		base.variance = p.spread
	}
	begin := at
	for begin > 0 && at-begin < p.rules.window()-1 && follows(&s.Blocks[begin-1], &s.Blocks[begin]) {
		begin--
	}
	var days []*Block
	for i := begin; i <= at; i++ {
		days = append(days, &s.Blocks[i])
	}
	var d deviations
	score.Deviations, d = base.deviate(days)
	by, all := p.far(d)
	for g := range groups {
		score.Groups[g] = atLeast(p.groups[g], by[g])
	}
	score.P = beyond(p.all, all)
	score.Means, score.Usual = b.measures.value, base.mean
	for i := range Measures {
		score.Spread[i] = math.Sqrt(base.variance[i] * (1 + 1/base.n))
	}
	return score, true
}

// follows reports whether two blocks belong to one run of days.
func follows(a, b *Block) bool {
	return a.Model == b.Model && b.Date-a.Date <= longestSpan && !a.Settled
}

// baseline is what a camera's reference days are like.
type baseline struct {
	n        float64
	mean     [Measures]float64
	variance [Measures]float64 // from day to day
	noise    [Measures]float64 // of that, through the number of sightings
	usual    [sketch.Classes]conditional
	rest     [rests]float64 // variance from day to day
}

func baselineOf(refs []*Block) *baseline {
	b := &baseline{n: float64(len(refs)), usual: usually(refs)}
	for _, r := range refs {
		for i := range Measures {
			b.mean[i] += r.measures.value[i] / b.n
			b.noise[i] += r.measures.noise[i] / b.n
		}
	}
	for _, r := range refs {
		for i := range Measures {
			d := r.measures.value[i] - b.mean[i]
			b.variance[i] += d * d / max(b.n-1, 1)
		}
		for i, v := range r.measures.rest(&b.usual) {
			b.rest[i] += v * v / max(b.n-1, 1)
		}
	}
	for i := range Measures {
		b.variance[i] = max(b.variance[i], b.noise[i])
	}
	return b
}

// leastVariance keeps a measure that never changed from dividing by nothing:
// its steps are about 1e-5.
const leastVariance = 1e-8

// deviation is how many standard deviations x lies away: those from day to day,
// of the mean of n days, and of a day with fewer sightings than usual.
func (b *baseline) deviation(d, variance, noise, usualNoise float64) float64 {
	return d / math.Sqrt(variance*(1+1/b.n)+max(0, noise-usualNoise)+leastVariance)
}

// deviate returns how far the last of some days in a row lies from the
// references, measure by measure, and how far in each group that day and the
// mean of all of them lie. With n days a mean varies less, by the root of n. In
// it no single day counts for more than a few standard deviations: what stands
// out of one day alone is that day's matter.
func (b *baseline) deviate(days []*Block) (last [Measures]float64, d deviations) {
	var mean [Measures]float64
	var rest, meanRest [rests]float64
	root := math.Sqrt(float64(len(days)))
	for _, day := range days {
		last, rest = b.compare(day)
		for i, z := range last {
			mean[i] += clip(z) / root
		}
		for i, z := range rest {
			meanRest[i] += clip(z) / root
		}
	}
	return last, deviations{grouped(&last, &rest), grouped(&mean, &meanRest)}
}

// clipAt is what a day counts for at most in the mean of several, in standard
// deviations.
const clipAt = 3

func clip(z float64) float64 { return min(max(z, -clipAt), clipAt) }

// compare returns how far a block lies from the references in every measure,
// and in what is left of some once the mix of classes is accounted for.
func (b *baseline) compare(block *Block) (z [Measures]float64, rest [rests]float64) {
	m := &block.measures
	for i := range Measures {
		z[i] = b.deviation(m.value[i]-b.mean[i], b.variance[i], m.noise[i], b.noise[i])
	}
	rest = m.rest(&b.usual)
	for i := range rest {
		at := TopProbability
		switch {
		case i == 1:
			at = Novelty
		case i > 1:
			at = Axis + Measure(i-2)
		}
		rest[i] = b.deviation(rest[i], max(b.rest[i], b.noise[at]), m.noise[at], b.noise[at])
	}
	return z, rest
}

// grouped is how far each group lies: its farthest measure, for the embedding
// the root of the mean square over the axes.
func grouped(z *[Measures]float64, rest *[rests]float64) (stats [groups]float64) {
	for g := range Rest {
		from, to := g.span()
		switch g {
		case Embedding:
			stats[g] = rootMeanSquare(z[from:to])
		case Corrections:
			stats[g] = max(0, z[from]) // fewer are no harm
		default:
			for _, v := range z[from:to] {
				stats[g] = max(stats[g], math.Abs(v))
			}
		}
	}
	stats[Rest] = max(math.Abs(rest[0]), math.Abs(rest[1]), rootMeanSquare(rest[2:]))
	return stats
}

func rootMeanSquare(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(values)))
}

package verdict

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gourdian/internal/wire"
)

// axes are parameters whose references lie along the axes of a space of four
// values, so that novelties can be told in the head.
func axes(t testing.TB) Params {
	t.Helper()
	references, err := Quantise([][]float32{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return Params{
		Classes:     []string{"good", "bad"},
		Temperature: 1,
		Thresholds:  []float64{0.6, 0.9},
		References:  references,
		Novelty:     0.2,
	}
}

func newDecider(t testing.TB, p Params) *Decider {
	t.Helper()
	d, err := NewDecider(p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRulesInOrder(t *testing.T) {
	t.Parallel()
	near, far := []float32{3, 0, 0, 0}, []float32{0, 0, 0, 5}
	for _, c := range []struct {
		name      string
		embedding []float32
		logits    []float32
		look      Look
		verdict   wire.Verdict
		reason    wire.Reason
	}{
		{"a sure class is called", near, []float32{2, 0}, Look{}, "good", ""},
		{"each class has its own threshold", near, []float32{0, 2}, Look{}, wire.Unsure, wire.ReasonLowConfidence},
		{"the threshold itself suffices", near, []float32{0, 3}, Look{}, "bad", ""},
		{"unlike the training photos, however sure", far, []float32{90, 0}, Look{}, wire.Unsure, wire.ReasonNovel},
		{"blurred", near, []float32{9, 0}, Look{Blurred: true}, wire.Unsure, wire.ReasonQuality},
		{"dark", near, []float32{9, 0}, Look{Dark: true}, wire.Unsure, wire.ReasonQuality},
		{"overexposed", near, []float32{9, 0}, Look{Bright: true}, wire.Unsure, wire.ReasonQuality},
		{"quality comes before novelty", far, []float32{9, 0}, Look{Dark: true}, wire.Unsure, wire.ReasonQuality},
		{"novelty comes before confidence", far, []float32{0, 0}, Look{}, wire.Unsure, wire.ReasonNovel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := newDecider(t, axes(t)).Decide(c.embedding, c.logits, c.look)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != c.verdict || got.Reason != c.reason {
				t.Errorf("%s for %q, want %s for %q (%+v)", got.Verdict, got.Reason, c.verdict, c.reason, got)
			}
		})
	}
}

func TestTemperatureCalibratesButNeverReorders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ temperature, want float64 }{{0.5, 0.9820}, {1, 0.8808}, {2, 0.7311}, {1e6, 0.5}} {
		p := axes(t)
		p.Temperature = c.temperature
		got, err := newDecider(t, p).Decide([]float32{1, 0, 0, 0}, []float32{2, 0}, Look{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Probabilities[0]-c.want) > 1e-4 || got.Top != 0 {
			t.Errorf("temperature %v: probability %.4f of class %d, want %.4f of class 0", c.temperature, got.Probabilities[0], got.Top, c.want)
		}
	}
}

func TestBrokenEngineIsAnErrorNotADoubt(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	good := []float32{1, 0, 0, 0}
	for _, c := range []struct {
		name              string
		embedding, logits []float32
	}{
		{"NaN logit", good, []float32{nan, 0}},
		{"infinite logit", good, []float32{0, -inf}},
		{"NaN in the embedding", []float32{0, nan, 0, 0}, []float32{1, 0}},
		{"infinity in the embedding", []float32{0, inf, 0, 0}, []float32{1, 0}},
		{"a logit too few", good, []float32{1}},
		{"a logit too many", good, []float32{1, 2, 3}},
		{"no logits", good, nil},
		{"short embedding", good[:3], []float32{1, 0}},
		{"no embedding", nil, []float32{1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, err := newDecider(t, axes(t)).Decide(c.embedding, c.logits, Look{Dark: true}); !errors.Is(err, ErrScores) {
				t.Errorf("decision %+v, error %v", got, err)
			}
		})
	}
}

func TestParamsThatDecideNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*Params)
		want string
	}{
		{"no classes", func(p *Params) { p.Classes, p.Thresholds = nil, nil }, "no classes"},
		{"a class called unsure", func(p *Params) { p.Classes[1] = "unsure" }, "can't be called"},
		{"a class without a name", func(p *Params) { p.Classes[1] = "" }, "can't be called"},
		{"a class twice", func(p *Params) { p.Classes[1] = "good" }, "twice"},
		{"a threshold too few", func(p *Params) { p.Thresholds = p.Thresholds[:1] }, "1 thresholds for 2 classes"},
		{"threshold above 1", func(p *Params) { p.Thresholds[0] = 1.01 }, "not within 0 and 1"},
		{"threshold NaN", func(p *Params) { p.Thresholds[0] = math.NaN() }, "not within 0 and 1"},
		{"temperature 0", func(p *Params) { p.Temperature = 0 }, "temperature"},
		{"temperature below 0", func(p *Params) { p.Temperature = -1 }, "temperature"},
		{"temperature NaN", func(p *Params) { p.Temperature = math.NaN() }, "temperature"},
		{"temperature infinite", func(p *Params) { p.Temperature = math.Inf(1) }, "temperature"},
		{"novelty NaN", func(p *Params) { p.Novelty = math.NaN() }, "novelty"},
		{"novelty above every distance", func(p *Params) { p.Novelty = 2.1 }, "novelty"},
		{"no references", func(p *Params) { p.References = References{Dim: 4, K: 1} }, "scales"},
		{"references of no values", func(p *Params) { p.References.Dim = 0 }, "references of 0 values"},
		{"a row too few", func(p *Params) { p.References.Rows = p.References.Rows[4:] }, "scales"},
		{"a broken row", func(p *Params) { p.References.Rows = p.References.Rows[:11] }, "scales"},
		{"more neighbours than references", func(p *Params) { p.References.K = 4 }, "neighbours"},
		{"no neighbours", func(p *Params) { p.References.K = 0 }, "neighbours"},
		{"a scale that makes no unit vector", func(p *Params) { p.References.Scales[1] *= 2 }, "length"},
		{"a scale NaN", func(p *Params) { p.References.Scales[1] = float32(math.NaN()) }, "length"},
		{"a row of zeros", func(p *Params) { clear(p.References.Rows[:4]) }, "length"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := axes(t)
			c.edit(&p)
			if _, err := NewDecider(p); !errors.Is(err, ErrParams) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestProbabilitiesAreADistributionForAnyLogits(t *testing.T) {
	t.Parallel()
	d := newDecider(t, axes(t))
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Float32(), 2, 2).Draw(t, "logits")
		got, err := d.Decide([]float32{1, 0, 0, 0}, logits, Look{})
		if err != nil {
			t.Fatal(err)
		}
		sum := got.Probabilities[0] + got.Probabilities[1]
		if math.Abs(sum-1) > 1e-12 || got.Probabilities[got.Top] < 0.5 {
			t.Fatalf("probabilities %v, top %d", got.Probabilities, got.Top)
		}
		if logits[got.Top] < logits[1-got.Top] && got.Probabilities[0] != got.Probabilities[1] {
			t.Fatalf("top %d of logits %v", got.Top, logits)
		}
	})
}

func TestDecidingAllocatesNothing(t *testing.T) {
	d, embedding, logits := full(t)
	if n := testing.AllocsPerRun(10, func() { _, _ = d.Decide(embedding, logits, Look{}) }); n != 0 {
		t.Errorf("%v allocations a decision", n)
	}
}

// full is a decider as on a board: 1,000 references of 1,280 values.
func full(t testing.TB) (d *Decider, embedding, logits []float32) {
	t.Helper()
	rows := randomEmbeddings(1001, 1280)
	references, err := Quantise(rows[:1000], 10)
	if err != nil {
		t.Fatal(err)
	}
	p := Params{Classes: []string{"good", "regular", "bad", "not_pumpkin"}, Temperature: 1.3, Thresholds: make([]float64, 4), References: references, Novelty: 0.5}
	return newDecider(t, p), rows[1000], []float32{1, 2, 0.5, -1}
}

// randomEmbeddings are as a network with ReLU6 and average pooling gives them:
// nothing below 0, most of it small.
func randomEmbeddings(n, dim int) [][]float32 {
	random := rand.New(rand.NewPCG(1, 2))
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = make([]float32, dim)
		for j := range rows[i] {
			rows[i][j] = float32(min(random.ExpFloat64()*0.4, 6))
		}
	}
	return rows
}

func BenchmarkDecide(b *testing.B) {
	d, embedding, logits := full(b)
	for b.Loop() {
		if _, err := d.Decide(embedding, logits, Look{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestNoveltyIsThatOfFloatingPoint(t *testing.T) {
	t.Parallel()
	rows := randomEmbeddings(60, 1280)
	queries := append(rows[:10:10], rows[10], make([]float32, 1280)) // one seen in training, one that points nowhere
	rows = rows[10:]
	references, err := Quantise(rows, 5)
	if err != nil {
		t.Fatal(err)
	}
	meter := newNoveltyMeter(&references)
	for i, query := range queries {
		distances := make([]float64, len(rows))
		for j, row := range rows {
			distances[j] = 1 - cosine(query, row)
		}
		slices.Sort(distances)
		want := 0.0
		for _, distance := range distances[:5] {
			want += distance / 5
		}
		// int8 rows are off by at most half a step of 1/127 of their largest value.
		if got := meter.measure(query); math.Abs(got-want) > 5e-4 {
			t.Errorf("query %d: novelty %.6f, in floating point %.6f", i, got, want)
		}
	}
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}

func TestNoveltyStaysWithinItsRange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dim := rapid.IntRange(1, 9).Draw(t, "dim")
		value := rapid.Float32Range(-100, 100)
		rows := rapid.SliceOfN(rapid.SliceOfN(value, dim, dim).Filter(anyNonZero), 1, 8).Draw(t, "rows")
		query := rapid.SliceOfN(rapid.Float32Range(-1e30, 1e30), dim, dim).Draw(t, "query")
		references, err := Quantise(rows, rapid.IntRange(1, len(rows)).Draw(t, "k"))
		if err != nil {
			t.Fatal(err)
		}
		meter := newNoveltyMeter(&references)
		novelty := meter.measure(query)
		if !(novelty >= 0 && novelty <= MaxDistance) {
			t.Fatalf("novelty %v", novelty)
		}
		if longer := scaled(query, 3); math.Abs(meter.measure(longer)-novelty) > 1e-3 {
			t.Fatalf("novelty %v depends on the length of the embedding: %v", novelty, meter.measure(longer))
		}
	})
}

func anyNonZero(v []float32) bool {
	return slices.ContainsFunc(v, func(x float32) bool { return x != 0 })
}

func scaled(v []float32, by float32) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x * by
	}
	return out
}

func TestReferencesThatCannotBeQuantised(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string][][]float32{
		"none":           nil,
		"of no values":   {{}},
		"of two lengths": {{1, 2}, {1}},
		"zero":           {{1, 2}, {0, 0}},
		"NaN":            {{1, float32(math.NaN())}},
		"infinite":       {{1, float32(math.Inf(-1))}},
	} {
		if _, err := Quantise(rows, 1); !errors.Is(err, ErrParams) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

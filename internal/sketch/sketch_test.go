package sketch

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

// sight is a sighting like those of a field; the same seed gives the same one.
func sight(random *rand.Rand) Sight {
	p := []float64{random.Float64(), random.Float64(), random.Float64(), random.Float64()}
	sum, top := 0.0, 0
	for i, v := range p {
		sum += v
		if v > p[top] {
			top = i
		}
	}
	for i := range p {
		p[i] /= sum
	}
	one := Sight{
		Verdict: []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin}[top], Class: top, Probabilities: p,
		Novelty: 0.3 * random.Float64(),
		Look: quality.Report{Sharpness: math.Exp(4 + random.NormFloat64()),
			Light: quality.Light{Mean: 60 + 100*random.Float64(), P5: 20, P99: uint8(150 + random.IntN(100)), Black: 0.1 * random.Float64()}},
	}
	switch random.IntN(8) {
	case 0:
		one.Verdict, one.Reason, one.Probabilities = wire.Unsure, wire.ReasonQuality, nil
	case 1:
		one.Verdict, one.Reason = wire.Unsure, wire.ReasonNovel
	}
	for i := range one.Place {
		one.Place[i] = int32(5000 + 400*random.NormFloat64())
	}
	return one
}

func of(t testing.TB, seed uint64, n int) *Sketch {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	s := &Sketch{}
	for range n {
		if err := s.Add(sight(random)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func merged(t testing.TB, all ...*Sketch) []byte {
	t.Helper()
	sum := &Sketch{}
	for _, one := range all {
		if err := sum.Merge(one); err != nil {
			t.Fatal(err)
		}
	}
	return sum.Encode()
}

func TestHoursMergeInAnyOrderAndGroupingToTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var hours []*Sketch
		for range rapid.IntRange(1, 6).Draw(r, "hours") {
			hours = append(hours, of(t, rapid.Uint64().Draw(r, "seed"), rapid.IntRange(0, 40).Draw(r, "n")))
		}
		want := merged(t, hours...)
		if got := merged(t, rapid.Permutation(hours).Draw(r, "order")...); !bytes.Equal(got, want) {
			r.Fatal("another order gives other bytes")
		}
		cut := rapid.IntRange(0, len(hours)).Draw(r, "cut")
		first, err1 := Decode(merged(t, hours[:cut]...))
		second, err2 := Decode(merged(t, hours[cut:]...))
		if err := errors.Join(err1, err2); err != nil {
			r.Fatal(err)
		}
		if got := merged(t, first, second); !bytes.Equal(got, want) {
			r.Fatal("another grouping gives other bytes")
		}
	})
}

func TestSketchOfAllIsThatOfItsParts(t *testing.T) {
	t.Parallel()
	random, whole, parts := rand.New(rand.NewPCG(3, 3)), &Sketch{}, [3]Sketch{}
	for i := range 500 {
		one := sight(random)
		if err := errors.Join(whole.Add(one), parts[i%3].Add(one)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(whole.Encode(), merged(t, &parts[0], &parts[1], &parts[2])) {
		t.Error("the parts give other bytes than the whole")
	}
}

func TestMomentsAndQuantilesWithinTheStatedError(t *testing.T) {
	t.Parallel()
	const n = 5000
	random, s := rand.New(rand.NewPCG(9, 9)), &Sketch{}
	values := map[Signal][]float64{}
	for range n {
		one := sight(random)
		if err := s.Add(one); err != nil {
			t.Fatal(err)
		}
		for i, v := range valuesOf(one) {
			if one.Probabilities == nil && Signal(i).ofModel() {
				continue
			}
			values[Signal(i)] = append(values[Signal(i)], Signal(i).scale(v))
		}
	}
	for i := range Signal(Signals) {
		scaled := values[i]
		slices.Sort(scaled)
		var sum, squares float64
		for _, v := range scaled {
			sum, squares = sum+v, squares+v*v
		}
		n := float64(len(scaled))
		mean := sum / n
		if got := s.Mean(i); math.Abs(got-mean) > 1.0/whole {
			t.Errorf("%v: mean %v, want %v", i, got, mean)
		}
		if got, want := s.Variance(i), squares/n-mean*mean; math.Abs(got-want) > 4.0/whole {
			t.Errorf("%v: variance %v, want %v", i, got, want)
		}
		for _, p := range []float64{0.05, 0.5, 0.95} {
			want := scaled[int(p*n)]
			if got := s.Quantile(i, p); math.Abs(got-want) > 1.0/Bins {
				t.Errorf("%v: quantile %v is %v on the scale, want %v", i, p, got, want)
			}
		}
	}
}

func TestScalesGoBothWays(t *testing.T) {
	t.Parallel()
	for i := range Signal(Signals) {
		for _, v := range []float64{0, 0.01, 0.3, 1} {
			if got := i.Value(i.scale(v)); math.Abs(got-v) > 1e-9 {
				t.Errorf("%v: %v came back as %v", i, v, got)
			}
		}
		for _, wild := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
			if u := i.scale(wild); !(u >= 0 && u <= 1) {
				t.Errorf("%v: %v stands at %v", i, wild, u)
			}
		}
	}
}

// An hour of a busy camera: a pumpkin each second, five verdicts.
func TestAnHourTakesLessThanTwoKilobytes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 60, 600, 3600} {
		if size := len(of(t, 5, n).Encode()); size > 2000 {
			t.Errorf("%d sightings take %d bytes", n, size)
		} else {
			t.Logf("%d sightings: %d bytes", n, size)
		}
	}
}

func TestAFullSketchTakesNoMore(t *testing.T) {
	t.Parallel()
	s := of(t, 1, 10)
	for !errors.Is(s.Merge(s.copy(t)), ErrFull) {
	}
	if _, err := Decode(s.Encode()); err != nil {
		t.Errorf("the fullest sketch is refused: %v", err)
	}
	if s.n = MaxSightings; !errors.Is(s.Add(Sight{}), ErrFull) {
		t.Error("one more was taken")
	}
}

func (s *Sketch) copy(t testing.TB) *Sketch {
	t.Helper()
	other, err := Decode(s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestATaskOfAHundredClassesIsSummedUp(t *testing.T) {
	t.Parallel()
	s := &Sketch{}
	for i := range 100 {
		name := wire.Verdict(strings.Repeat("x", 10) + string(rune('a'+i%26)) + string(rune('a'+i/26)))
		if err := s.Add(Sight{Verdict: name, Class: i, Probabilities: []float64{0.6, 0.4}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.copy(t); got.Count() != 100 || got.ClassCount(Classes-1) != 100-(Classes-1) || len(got.Outcomes()) != 100 {
		t.Errorf("%d sightings, %d of the last class, %d outcomes", got.Count(), got.ClassCount(Classes-1), len(got.Outcomes()))
	}
}

func TestAxesSeeAShiftInAnyDirection(t *testing.T) {
	t.Parallel()
	const n = 1280
	random, p := rand.New(rand.NewPCG(4, 4)), NewProjector(n)
	base := make([]float32, n)
	for i := range base {
		base[i] = float32(random.ExpFloat64())
	}
	at := p.Project(base)
	for direction := range 30 {
		moved := slices.Clone(base)
		for i := range moved {
			if i%30 == direction {
				moved[i] += 1
			}
		}
		var squares float64
		for axis, v := range p.Project(moved) {
			d := float64(v-at[axis]) / perUnit
			squares += d * d
		}
		// By hand: 43 values of about 1,280·sqrt(2) squared length move by 1.
		if distance := math.Sqrt(squares / Axes); distance < 0.05 || distance > 0.3 {
			t.Errorf("direction %d moves the axes by %.3f", direction, distance)
		}
	}
}

func TestWhatIsNoDirectionLiesInTheMiddle(t *testing.T) {
	t.Parallel()
	p, nan := NewProjector(4), float32(math.NaN())
	for _, wild := range [][]float32{nil, {1}, {0, 0, 0, 0}, {nan, 1, 1, 1}, {float32(math.Inf(1)), 0, 0, 0}} {
		if v := p.Project(wild); v != (Vector{}) {
			t.Errorf("%v lies at %v", wild, v)
		}
	}
}

const goldenFile = "testdata/sketch-1.hex"

func golden(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goldenSketch is two sightings whose embeddings are 1, 2, 3 ... and back, and
// one in the dark.
func goldenSketch(t testing.TB) *Sketch {
	t.Helper()
	up, down := make([]float32, 1280), make([]float32, 1280)
	for i := range up {
		up[i], down[1279-i] = float32(i+1), float32(i+1)
	}
	p, s := NewProjector(1280), &Sketch{}
	dark := quality.Report{Sharpness: 255, Light: quality.Light{Mean: 102, Black: 1}}
	look := quality.Report{Sharpness: 255, Light: quality.Light{Mean: 102, P5: 10, P99: 214, Burned: 0.25}}
	err := errors.Join(
		s.Add(Sight{Verdict: wire.Good, Class: 0, Probabilities: []float64{0.875, 0.125}, Novelty: 0.09, Look: look, Place: p.Project(up)}),
		s.Add(Sight{Verdict: wire.Unsure, Reason: wire.ReasonNovel, Class: 1, Probabilities: []float64{0.5, 0.5}, Novelty: 0.49, Look: look, Place: p.Project(down)}),
		s.Add(Sight{Verdict: wire.Unsure, Reason: wire.ReasonQuality, Look: dark}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGoldenSketchIsReadAndWritten(t *testing.T) {
	t.Parallel()
	data, made := golden(t), goldenSketch(t)
	if got := made.Encode(); !bytes.Equal(got, data) {
		t.Fatalf("written as:\n%x", got)
	}
	s, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if s.Count() != 3 || s.Judged() != 2 || s.Of(Outcome{wire.Unsure, wire.ReasonNovel}) != 1 || math.Abs(s.Mean(Novelty)-0.5) > 1e-4 ||
		math.Abs(s.Mean(Sharpness)-0.5) > 1e-4 || math.Abs(Brightness.Value(s.Mean(Brightness))-102) > 0.01 {
		t.Errorf("%d sightings, novelty %v, sharpness %v", s.Count(), s.Mean(Novelty), s.Mean(Sharpness))
	}
}

func TestDamagedAndForgedSketchesAreRefused(t *testing.T) {
	t.Parallel()
	data := golden(t)
	for cut := range data {
		if _, err := Decode(data[:cut]); !errors.Is(err, ErrSketch) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	padded := append([]byte{1, 0x82, 0x00}, data[2:]...) // the count in two bytes
	more := slices.Clone(data)
	more[1] = 4 // a sighting that nothing else counts
	for name, forged := range map[string][]byte{
		"a tail": append(slices.Clone(data), 0), "another version": append([]byte{2}, data[1:]...), "a long number": padded,
		"one more sighting": more, "too long": make([]byte, wire.MaxSketch+1),
	} {
		if _, err := Decode(forged); !errors.Is(err, ErrSketch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(golden(f))
	f.Add((&Sketch{}).Encode())
	f.Add(of(f, 7, 300).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrSketch) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(s.Encode(), data) {
			t.Fatal("two forms of one sketch")
		}
		for i := range Signal(Signals) {
			if m, v := s.Mean(i), s.Variance(i); m < 0 || m > 1 || v < 0 || math.IsNaN(s.Quantile(i, 0.5)) {
				t.Fatalf("%v: mean %v, variance %v", i, m, v)
			}
		}
		if s.n <= MaxSightings/2 {
			double := &Sketch{}
			if err := errors.Join(double.Merge(s), double.Merge(s)); err != nil || double.Count() != 2*s.Count() {
				t.Fatal(err)
			}
		}
	})
}

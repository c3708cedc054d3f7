package gate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
)

func TestMcNemarAgreesWithTheBinomialTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wins, losses int
		p            float64
	}{
		{0, 0, 1}, {5, 0, 1.0 / 32}, {4, 0, 1.0 / 16}, {0, 5, 1}, {8, 2, 56.0 / 1024}, {9, 1, 11.0 / 1024}, {15, 5, 21700.0 / 1048576},
	} {
		if p := McNemar(c.wins, c.losses); math.Abs(p-c.p) > 1e-9 {
			t.Errorf("McNemar(%d, %d) = %v, want %v", c.wins, c.losses, p, c.p)
		}
	}
}

// The numbers are those of a table that was found by simulation.
func TestNeededAgreesWithSimulatedSampleSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		disagree, gain float64
		n              int
	}{{.03, .01, 1853}, {.06, .01, 3708}, {.10, .01, 6181}, {.03, .02, 462}, {.10, .03, 685}, {.06, .05, 147}, {.10, .05, 246}} {
		if n := Needed(c.disagree, c.gain); math.Abs(float64(n-c.n)) > 0.01*float64(c.n)+1 {
			t.Errorf("Needed(%v, %v) = %d, want about %d", c.disagree, c.gain, n, c.n)
		}
	}
}

// answers makes pictures in groups of five of a class.
func answers(class string, both, neither, wins, losses int) (out []Answer) {
	add := func(n int, champion, candidate bool) {
		for range n {
			out = append(out, Answer{Class: class, Champion: champion, Candidate: candidate})
		}
	}
	add(both, true, true)
	add(neither, false, false)
	add(wins, false, true)
	add(losses, true, false)
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for i := range out {
		out[i].Group = i / 5
	}
	return out
}

func regroup(parts ...[]Answer) (out []Answer) {
	for n, p := range parts {
		for _, a := range p {
			a.Group += 100000 * n
			out = append(out, a)
		}
	}
	return out
}

func want(t *testing.T, r Record, o Outcome, code Code) {
	t.Helper()
	if r.Outcome != o || len(r.Reasons) == 0 || r.Reasons[0].Code != code {
		t.Fatalf("%s for %+v, want %s for %s", r, r.Reasons, o, code)
	}
}

func TestBetterCandidateIsPromoted(t *testing.T) {
	t.Parallel()
	r := Decide(regroup(answers("good", 150, 20, 30, 8), answers("bad", 80, 5, 6, 3)), DefaultRules())
	want(t, r, Promote, Better)
	if r.More != 0 || r.Images != 302 || r.Both != 230 || r.Wins != 36 || r.Losses != 11 {
		t.Fatalf("counts are wrong: %+v", r)
	}
}

func TestBetterByOnePictureIsUndecidedAndSaysHowManyWouldDecide(t *testing.T) {
	t.Parallel()
	r := Decide(answers("good", 80, 10, 6, 4), DefaultRules())
	want(t, r, Undecided, NotShown)
	if n := Needed(.10, .02) - 100; r.More != n {
		t.Fatalf("%d more labels, want %d", r.More, n)
	}
}

func TestWorseCandidateIsRejected(t *testing.T) {
	t.Parallel()
	want(t, Decide(answers("good", 150, 20, 5, 30), DefaultRules()), Reject, Worse)
}

func TestCandidateThatMissesBadOnesIsRejectedHoweverGoodElsewhere(t *testing.T) {
	t.Parallel()
	r := Decide(regroup(answers("good", 200, 10, 80, 2), answers("bad", 60, 5, 1, 12)), DefaultRules())
	want(t, r, Reject, GuardFell)
}

func TestGuardedClassWithTooFewPicturesHoldsAPromotionBack(t *testing.T) {
	t.Parallel()
	r := Decide(regroup(answers("good", 200, 10, 80, 2), answers("bad", 15, 0, 0, 3)), DefaultRules())
	want(t, r, Undecided, GuardUnknown)
	if r.More <= 0 {
		t.Fatalf("no number of labels: %+v", r)
	}
}

func TestGainOfOneSessionAloneIsNoEvidence(t *testing.T) {
	t.Parallel()
	many := answers("good", 100, 0, 0, 0)
	one := answers("good", 0, 0, 30, 0) // thirty frames of one fruit
	for i := range one {
		one[i].Group = -1
	}
	r := Decide(append(many, one...), DefaultRules())
	if r.P >= 0.05 {
		t.Fatal("the pictures alone should have looked convincing")
	}
	want(t, r, Undecided, NotShown)
}

func TestFourGroupsDecideNothing(t *testing.T) {
	t.Parallel()
	want(t, Decide(answers("good", 0, 0, 20, 0), DefaultRules()), Undecided, FewGroups)
}

func TestTheSameAnswersAreAlikeAndNoLabelsWouldTell(t *testing.T) {
	t.Parallel()
	r := Decide(answers("good", 90, 10, 0, 0), DefaultRules())
	want(t, r, Undecided, Alike)
	if r.More != 0 {
		t.Fatalf("asks for %d labels", r.More)
	}
}

func TestNothingMeasuredIsUndecidedAndIsJSON(t *testing.T) {
	t.Parallel()
	r := Decide(nil, DefaultRules())
	want(t, r, Undecided, FewGroups)
	if _, err := json.Marshal(r); err != nil {
		t.Fatal(err)
	}
}

func named(a []Answer) []Answer {
	for i := range a {
		a[i].Named = true
	}
	return a
}

func TestNewKindIsMendedAndTheRestIsNoWorse(t *testing.T) {
	t.Parallel()
	mended := named(answers("good", 10, 5, 25, 1))
	r := Decide(regroup(answers("good", 1500, 60, 20, 20), mended), DefaultRules())
	if r.Outcome != Promote {
		t.Fatalf("%s, %+v", r, r.Reasons)
	}
	// The same gain hidden in a rest that got as much worse as the new kind got better.
	r = Decide(regroup(answers("good", 1500, 60, 20, 45), mended), DefaultRules())
	if r.Outcome == Promote {
		t.Fatalf("promoted although the rest got worse: %+v", r.Elsewhere)
	}
}

func TestMendedProblemWithANeutralRestIsPromotedWhereTheWholeIsNotBetter(t *testing.T) {
	t.Parallel()
	r := Decide(regroup(answers("good", 4000, 60, 24, 36), named(answers("good", 10, 5, 14, 1))), DefaultRules())
	want(t, r, Promote, Mends)
}

func TestSliceThatGotWorseStopsABetterModel(t *testing.T) {
	t.Parallel()
	dark := answers("good", 90, 5, 2, 15)
	for i := range dark {
		dark[i].Slices = []string{"light:dark"}
	}
	r := Decide(regroup(answers("good", 200, 10, 90, 2), dark), DefaultRules())
	want(t, r, Reject, SliceFell)
	if r.Reasons[0].Subject != "light:dark" {
		t.Fatal(r.Reasons)
	}
}

// Two models that are equally good must not be promoted or rejected more often
// than the tests allow.
func TestEquallyGoodModelsAreSeldomTakenForDifferent(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	wrong := 0
	const rounds = 200
	for range rounds {
		a := make([]Answer, 200)
		for i := range a {
			a[i] = Answer{Class: "good", Group: i / 4, Champion: random.Float64() < .9, Candidate: random.Float64() < .9}
		}
		if Decide(a, DefaultRules()).Outcome != Undecided {
			wrong++
		}
	}
	// Two one-sided tests of 5 % each: 10 % of 200 are 20, 35 is four deviations off.
	if wrong > 35 {
		t.Fatalf("%d of %d pairs of equal models were told apart", wrong, rounds)
	}
}

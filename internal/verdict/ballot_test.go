package verdict

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gourdian/internal/wire"
)

// frame is what a Decider with the parameters of axes would say of a frame
// whose first class has that probability.
func frame(good float64) Decision {
	d := Decision{Probabilities: []float64{good, 1 - good}, Novelty: 0.1}
	d.Top = largest(d.Probabilities)
	p := Params{Classes: []string{"good", "bad"}, Thresholds: []float64{0.6, 0.9}}
	d.Verdict, d.Reason = p.call(d.Top, d.Probabilities)
	return d
}

func novel() Decision {
	return Decision{Verdict: wire.Unsure, Reason: wire.ReasonNovel, Top: 1, Probabilities: []float64{0, 1}, Novelty: 0.9}
}

func times(n int, d Decision) []Decision { return slices.Repeat([]Decision{d}, n) }

func TestVote(t *testing.T) {
	t.Parallel()
	good, bad, weak := frame(0.9), frame(0.02), frame(0.55)
	for _, c := range []struct {
		name    string
		frames  []Decision
		verdict wire.Verdict
		reason  wire.Reason
		voters  int
	}{
		{"no frames", nil, wire.Unsure, wire.ReasonQuality, 0},
		{"one frame is what it says", times(1, good), "good", "", 1},
		{"one unsure frame", times(1, weak), wire.Unsure, wire.ReasonLowConfidence, 1},
		{"only bad looks", times(3, BadLook()), wire.Unsure, wire.ReasonQuality, 3},
		{"one good look among bad ones", slices.Concat(times(9, BadLook()), times(1, good)), "good", "", 1},
		{"mostly novel", slices.Concat(times(3, novel()), times(2, good)), wire.Unsure, wire.ReasonNovel, 3},
		{"half novel", slices.Concat(times(2, novel()), times(2, good)), "good", "", 2},
		{"a hand passes", slices.Concat(times(2, novel()), times(5, good)), "good", "", 5},
		{"frames contradict each other", slices.Concat(times(5, good), times(5, bad)), wire.Unsure, wire.ReasonDisagreement, 10},
		{"two against one", slices.Concat(times(2, frame(0.99)), times(1, bad)), "good", "", 3},
		{"three against two", slices.Concat(times(3, frame(0.99)), times(2, bad)), wire.Unsure, wire.ReasonDisagreement, 5},
		{"doubtful frames contradict nobody", slices.Concat(times(6, good), times(4, frame(0.4))), "good", "", 10},
		{"doubts add up to a doubt", slices.Concat(times(1, good), times(20, frame(0.3))), wire.Unsure, wire.ReasonLowConfidence, 21},
		{"weak frames stay weak together", times(50, weak), wire.Unsure, wire.ReasonLowConfidence, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ballot := newDecider(t, axes(t)).Ballot()
			for _, f := range c.frames {
				ballot.Add(f)
			}
			got := ballot.Result()
			if got.Verdict != c.verdict || got.Reason != c.reason || ballot.Frames() != c.voters {
				t.Errorf("%s for %q by %d frames, want %s for %q by %d", got.Verdict, got.Reason, ballot.Frames(), c.verdict, c.reason, c.voters)
			}
		})
	}
}

func TestVoteAveragesProbabilitiesAndNovelty(t *testing.T) {
	t.Parallel()
	ballot := newDecider(t, axes(t)).Ballot()
	for _, f := range []Decision{frame(0.9), BadLook(), frame(0.7), novel()} {
		ballot.Add(f)
	}
	got := ballot.Result()
	if math.Abs(got.Probabilities[0]-0.8) > 1e-12 || math.Abs(got.Novelty-1.1/3) > 1e-12 || got.Top != 0 {
		t.Errorf("result %+v, want probability 0.8, novelty 0.3667", got)
	}
}

func TestVoteDoesNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	d := newDecider(t, axes(t))
	kinds := []Decision{BadLook(), novel(), frame(1), frame(0.75), frame(0.5), frame(0.25), frame(0)}
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 30).Draw(t, "frames")
		shuffled := rapid.Permutation(frames).Draw(t, "shuffled")
		ballot, other := d.Ballot(), d.Ballot()
		for i := range frames {
			ballot.Add(frames[i])
			other.Add(shuffled[i])
		}
		a, b := ballot.Result(), other.Result()
		if a.Verdict != b.Verdict || a.Reason != b.Reason || ballot.Frames() != other.Frames() {
			t.Fatalf("%+v, in another order %+v", a, b)
		}
		if n := ballot.Frames(); n < 1 || n > len(frames) {
			t.Fatalf("%d of %d frames voted", n, len(frames))
		}
		if (a.Verdict == wire.Unsure) != (a.Reason != "") {
			t.Fatalf("verdict %s for reason %q", a.Verdict, a.Reason)
		}
	})
}

func TestVoteOfEqualFramesIsTheirVerdict(t *testing.T) {
	t.Parallel()
	d := newDecider(t, axes(t))
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Float32Range(-8, 8), 2, 2).Draw(t, "logits")
		embedding := rapid.SliceOfN(rapid.Float32Range(0, 1), 4, 4).Draw(t, "embedding")
		one, err := d.Decide(embedding, logits, Look{Blurred: rapid.Bool().Draw(t, "blurred")})
		if err != nil {
			t.Fatal(err)
		}
		ballot := d.Ballot()
		for range rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(t, "frames") { // sums of these divide exactly
			ballot.Add(one)
		}
		if got := ballot.Result(); got.Verdict != one.Verdict || got.Reason != one.Reason {
			t.Fatalf("vote %+v, each frame %+v", got, one)
		}
	})
}

func TestResultIsTheCallersAndResetForgets(t *testing.T) {
	t.Parallel()
	d := newDecider(t, axes(t))
	ballot := d.Ballot()
	first, err := d.Decide([]float32{1, 0, 0, 0}, []float32{4, 0}, Look{})
	if err != nil {
		t.Fatal(err)
	}
	ballot.Add(first)
	kept := ballot.Result()
	if _, err := d.Decide([]float32{1, 0, 0, 0}, []float32{0, 4}, Look{}); err != nil {
		t.Fatal(err)
	}
	ballot.Add(frame(0))
	if kept.Probabilities[0] < 0.98 {
		t.Errorf("a result changed after it was given: %v", kept.Probabilities)
	}
	ballot.Add(novel())
	ballot.Add(BadLook())
	ballot.Reset()
	ballot.Add(frame(0))
	if got := ballot.Result(); got.Verdict != "bad" || got.Probabilities[0] != 0 || got.Novelty != 0.1 || ballot.Frames() != 1 {
		t.Errorf("after a reset: %+v by %d frames", got, ballot.Frames())
	}
}

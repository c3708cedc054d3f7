package sampling

import (
	"fmt"
	"testing"
	"time"

	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

func record(seq uint64, v wire.Verdict, why wire.Reason, p float64) *wire.Record {
	return &wire.Record{Device: "b1", Epoch: "e1", Seq: seq, Verdict: v, Reason: why, Probabilities: map[string]float64{"good": p, "bad": 1 - p}}
}

// notDrawn is the number of a record that the random share leaves out.
func notDrawn(t *testing.T) uint64 {
	t.Helper()
	for seq := uint64(1); seq < 10*Share; seq++ {
		if !drawn(record(seq, wire.Good, "", 1)) {
			return seq
		}
	}
	t.Fatal("every record is drawn")
	return 0
}

func TestOnlyWhatTeachesIsChosen(t *testing.T) {
	t.Parallel()
	seq := notDrawn(t)
	tests := map[string]struct {
		record     *wire.Record
		correction wire.Verdict
		why        wire.SampleWhy
	}{
		"sure":       {record(seq, wire.Good, "", 0.99), "", ""},
		"corrected":  {record(seq, wire.Good, "", 0.99), wire.Bad, wire.WhyCorrection},
		"no pumpkin": {record(seq, wire.NotPumpkin, "", 0.9), "", wire.WhyNotPumpkin},
		"novel":      {record(seq, wire.Unsure, wire.ReasonNovel, 0.9), "", wire.WhyUnsure},
		"disagree":   {record(seq, wire.Unsure, wire.ReasonDisagreement, 0.5), "", wire.WhyUnsure},
		"low":        {record(seq, wire.Unsure, wire.ReasonLowConfidence, 0.4), "", wire.WhyUnsure},
		"blurred":    {record(seq, wire.Unsure, wire.ReasonQuality, 0.4), "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why, worth, ok := Choose(test.record, test.correction)
			if why != test.why || ok != (test.why != "") || worth < 0 || worth > 1 || ok && worth == 0 {
				t.Errorf("%q, worth %v, chosen %v; expected is %q", why, worth, ok, test.why)
			}
		})
	}
}

func TestDoubtfulOnesComeFirst(t *testing.T) {
	t.Parallel()
	seq := notDrawn(t)
	_, doubtful, _ := Choose(record(seq, wire.Unsure, wire.ReasonLowConfidence, 0.5), "")
	_, surer, _ := Choose(record(seq, wire.Unsure, wire.ReasonLowConfidence, 0.9), "")
	if doubtful <= surer {
		t.Errorf("worth %v in doubt, %v without", doubtful, surer)
	}
}

// The share is honest: about as large as it says, whatever the verdict, and the
// same when it is drawn again.
func TestShareThatPrefersAVerdict(t *testing.T) {
	t.Parallel()
	const n = 20_000
	for _, v := range []wire.Verdict{wire.Good, wire.Bad, wire.NotPumpkin, wire.Unsure} {
		count := 0
		for seq := range uint64(n) {
			why, _, _ := Choose(record(seq+1, v, "", 0.9), "")
			again, _, _ := Choose(record(seq+1, v, "", 0.1), "")
			if (why == wire.WhyRandom) != (again == wire.WhyRandom) {
				t.Fatalf("record %d is drawn once and not again", seq+1)
			}
			if why == wire.WhyRandom {
				count++
			}
		}
		if want := n / Share; count < want*3/4 || count > want*5/4 {
			t.Errorf("%s: %d of %d are drawn, expected are about %d", v, count, n, want)
		}
	}
}

func sample(n int, camera string, why wire.SampleWhy, at time.Time) wire.Sample {
	return wire.Sample{Hash: fmt.Sprintf("%064x", n), Camera: camera, Zone: "all", Why: why, CapturedAt: at}
}

func TestPictureThatWasChosenBefore(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	const print quality.Fingerprint = 0xff00ff00ff00ff00
	var r Recent
	r.Add(sample(1, "north", wire.WhyUnsure, noon), print)
	tests := map[string]struct {
		sample wire.Sample
		print  quality.Fingerprint
		want   bool
	}{
		"looks the same":            {sample(2, "north", wire.WhyUnsure, noon), print ^ 3, true},
		"looks a little different":  {sample(2, "north", wire.WhyUnsure, noon), print ^ 7, false},
		"of another camera":         {sample(2, "south", wire.WhyUnsure, noon), print, false},
		"of another day":            {sample(2, "north", wire.WhyUnsure, noon.Add(13*time.Hour)), print, false},
		"nobody knows how it looks": {sample(2, "north", wire.WhyUnsure, noon), 0, false},
		"corrected":                 {sample(2, "north", wire.WhyCorrection, noon), print, false},
		"of the random share":       {sample(2, "north", wire.WhyRandom, noon), print, false},
		"the same bytes":            {sample(1, "south", wire.WhyRandom, noon), 0, true},
		"the same bytes, corrected": {sample(1, "north", wire.WhyCorrection, noon), print, false},
	}
	for name, test := range tests {
		if got := r.Repeats(test.sample, test.print); got != test.want {
			t.Errorf("%s: repeats = %v", name, got)
		}
	}
	for n := range Remembered {
		r.Add(sample(100+n, "east", wire.WhyUnsure, noon), 1)
	}
	if r.Repeats(sample(2, "north", wire.WhyUnsure, noon), print) || len(r.ring) != Remembered {
		t.Errorf("%d are remembered, the oldest for ever", len(r.ring))
	}
}

func TestDayThatIsSpent(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	limits := Limits{Pictures: 2, Bytes: 1000}
	spent := Spent{}.On(noon)
	if !spent.Allows(limits, 1000) || spent.Allows(limits, 1001) {
		t.Error("the bytes of a new day are not those of the limits")
	}
	spent.Pictures, spent.Bytes = 2, 10
	if spent.On(noon.Add(time.Hour)).Allows(limits, 1) {
		t.Error("a third picture of two")
	}
	if !spent.On(noon.Add(24*time.Hour)).Allows(limits, 1) {
		t.Error("the next day is spent as well")
	}
}

package store

import (
	"errors"
	"testing"

	"gourdian/internal/wire"
)

// chooseOf makes a sample of a record.
func chooseOf(t *testing.T, s *Store, seq uint64, why wire.SampleWhy) Sample {
	t.Helper()
	c, err := s.Candidate(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	return Sample{
		Sample: wire.Sample{
			Hash: c.Image, Bytes: c.Bytes, Epoch: c.Epoch, Seq: c.Seq, CapturedAt: c.CapturedAt, Camera: c.Camera, Zone: c.Zone,
			Why: why, Worth: 0.5, Verdict: c.Verdict,
		},
		Print: c.Print, State: SampleChosen,
	}
}

func choose(t *testing.T, s *Store, through uint64, chosen ...Sample) {
	t.Helper()
	if err := s.Choose(t.Context(), through, chosen); err != nil {
		t.Fatal(err)
	}
}

func settle(t *testing.T, s *Store, one Sample, state SampleState) {
	t.Helper()
	one.State = state
	if err := s.Settle(t.Context(), one); err != nil {
		t.Fatal(err)
	}
}

func errands(t *testing.T, s *Store) []Errand {
	t.Helper()
	all, err := s.Errands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChosenPicturesSurviveARestart(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	s, stop := startUntil(t, opts, realDisk{})
	for n := 1; n <= 5; n++ {
		size := 100
		if n == 3 {
			size = 0 // without a picture
		}
		add(t, s, n, wire.Unsure, size)
	}
	if _, err := s.Append(t.Context(), sighting(6, wire.Unsure), jpeg(6, 100), 0xabc, nil); err != nil {
		t.Fatal(err)
	}
	found, through, err := s.Candidates(t.Context(), 4)
	if err != nil || len(found) != 3 || through != 4 || found[2].Seq != 4 || found[2].Bytes != 100 {
		t.Fatalf("%+v through %d, %v", found, through, err)
	}
	choose(t, s, through, chooseOf(t, s, 1, wire.WhyUnsure), chooseOf(t, s, 4, wire.WhyUnsure))
	settle(t, s, chooseOf(t, s, 1, wire.WhyUnsure), SampleSent)
	stop()
	s, stop = startUntil(t, opts, realDisk{})
	defer stop()
	if all := errands(t, s); len(all) != 1 || all[0].Seq != 4 || all[0].Sample.State != SampleChosen {
		t.Errorf("errands %+v", all)
	}
	found, through, err = s.Candidates(t.Context(), 100)
	if err != nil || len(found) != 2 || through != 6 || found[0].Seq != 5 || found[1].Print != 0xabc {
		t.Errorf("%+v through %d, %v", found, through, err)
	}
	if latest, err := s.LatestSamples(t.Context(), 1); err != nil || len(latest) != 1 || latest[0].Seq != 4 {
		t.Errorf("%+v, %v", latest, err)
	}
	if err := s.ChooseAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, _, err := s.Candidates(t.Context(), 100); err != nil || len(found) != 5 {
		t.Errorf("%d candidates for another hub, %v", len(found), err)
	}
}

// TestPictureThatTheHubWaitsForGoesLast fills the quota with pictures that are
// worth more otherwise.
func TestPictureThatTheHubWaitsForGoesLast(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	opts.PictureQuotaMB = 1
	s := start(t, opts, realDisk{})
	wanted := add(t, s, 1, wire.Bad, 50_000)
	plain := add(t, s, 2, wire.Bad, 50_000)
	one, other := chooseOf(t, s, wanted, wire.WhyRandom), chooseOf(t, s, plain, wire.WhyRandom)
	choose(t, s, plain, one)
	settle(t, s, one, SampleWanted)
	for n := 3; n < 60; n++ {
		add(t, s, n, wire.Bad, 50_000)
	}
	if _, err := read(t, s, one.Hash); err != nil {
		t.Errorf("the picture that the hub waits for: %v", err)
	}
	if _, err := read(t, s, other.Hash); !errors.Is(err, ErrNotFound) {
		t.Errorf("one of the same age that nobody waits for: %v", err)
	}
	if err := s.Correct(t.Context(), wanted, wire.Good); err != nil {
		t.Fatal(err)
	}
	one.Correction = wire.Good
	settle(t, s, one, SampleSent)
	if p := shelvedOf(t, s, one.Hash); p.worth != worthCorrected {
		t.Errorf("worth %d once it is sent", p.worth)
	}
	checkConsistent(t, s, 59)
}

func shelvedOf(t *testing.T, s *Store, name string) (p shelved) {
	t.Helper()
	h, err := parseHash(name)
	if err != nil {
		t.Fatal(err)
	}
	err = s.change(t.Context(), &request{edit: func(b *batch) (err error) {
		p, _, err = b.shelved(h)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestCorrectionWhileThePictureIsSent must reach the hub as well.
func TestCorrectionWhileThePictureIsSent(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	seq := add(t, s, 1, wire.Unsure, 100)
	one := chooseOf(t, s, seq, wire.WhyUnsure)
	choose(t, s, seq, one)
	before := s.Usage().Errands
	if err := s.Correct(t.Context(), seq, wire.Bad); err != nil {
		t.Fatal(err)
	}
	if s.Usage().Errands == before {
		t.Error("nobody can see that something changed")
	}
	settle(t, s, one, SampleSent) // what was sent was not corrected
	all := errands(t, s)
	if len(all) != 1 || all[0].Correction != wire.Bad || all[0].Sample.State != SampleSent || all[0].Sample.Correction != "" {
		t.Fatalf("errands %+v", all)
	}
	one.Correction = wire.Bad
	settle(t, s, one, SampleSent)
	if all := errands(t, s); len(all) != 0 {
		t.Errorf("errands %+v", all)
	}
	if err := s.Uncorrect(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	if all := errands(t, s); len(all) != 1 || all[0].Correction != "" {
		t.Errorf("errands after the undo %+v", all)
	}
}

// TestCorrectionOnABoardWithoutAHub leaves no trail of errands.
func TestCorrectionOnABoardWithoutAHub(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	seq := add(t, s, 1, wire.Good, 100)
	if err := s.Correct(t.Context(), seq, wire.Bad); err != nil {
		t.Fatal(err)
	}
	if all := errands(t, s); len(all) != 0 {
		t.Errorf("errands %+v", all)
	}
	if found, _, err := s.Candidates(t.Context(), 10); err != nil || len(found) != 1 || found[0].Correction == nil {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestRecordThatWentLeavesNoErrand is of the records' quota.
func TestRecordThatWentLeavesNoErrand(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	seq := add(t, s, 1, wire.Unsure, 100)
	add(t, s, 2, wire.Unsure, 100)
	one := chooseOf(t, s, seq, wire.WhyUnsure)
	choose(t, s, seq, one)
	if err := s.change(t.Context(), &request{edit: func(b *batch) error {
		b.state.first++
		return s.forget(b, seq)
	}}); err != nil {
		t.Fatal(err)
	}
	settle(t, s, one, SampleWanted) // the hub's answer comes late
	if all := errands(t, s); len(all) != 0 {
		t.Errorf("errands %+v", all)
	}
	if _, err := s.Candidate(t.Context(), seq); !errors.Is(err, ErrNotFound) {
		t.Errorf("candidate: %v", err)
	}
}

func TestErrandThatTheFarmerChangedIsNotForgone(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	seq := add(t, s, 1, wire.Good, 100)
	choose(t, s, seq)
	for _, v := range []wire.Verdict{wire.Bad, wire.Regular} {
		if err := s.Correct(t.Context(), seq, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Forgo(t.Context(), Errand{Seq: seq, Correction: wire.Bad}); err != nil {
		t.Fatal(err)
	}
	if all := errands(t, s); len(all) != 1 || all[0].Correction != wire.Regular {
		t.Fatalf("errands %+v", all)
	}
	if err := s.Forgo(t.Context(), Errand{Seq: seq, Correction: wire.Regular}); err != nil {
		t.Fatal(err)
	}
	if all := errands(t, s); len(all) != 0 {
		t.Errorf("errands %+v", all)
	}
}

func TestErrandsAreDoneInOrderOfWorth(t *testing.T) {
	t.Parallel()
	worth := func(seq uint64, w float64) Errand {
		return Errand{Seq: seq, Sample: &Sample{Sample: wire.Sample{Seq: seq, Worth: w}}}
	}
	all := []Errand{worth(1, 0.3), worth(2, 0.9), worth(3, 0.9), {Seq: 4, Correction: wire.Bad}, worth(5, 0.95)}
	SortErrands(all)
	for n, want := range []uint64{4, 5, 2, 3, 1} {
		if all[n].Seq != want {
			t.Fatalf("place %d has %d, want %d", n, all[n].Seq, want)
		}
	}
}

package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gourdian/internal/wire"
)

// shown is a picture in the model of the quota.
type shown struct {
	seq     uint64
	name    string
	verdict wire.Verdict
	worth   worth
	size    int64
}

// keptAfter is the rule in plain words: while there is too much, the least
// worth that holds more than its share (else the least of all) gives its
// oldest; newcomers stay.
func keptAfter(all []shown, quota int64, newest uint64) []shown {
	for {
		var total int64
		var sums [worths]int64
		for _, p := range all {
			total += p.size
			sums[p.worth] += p.size
		}
		if total <= quota {
			return all
		}
		next := slices.Clone(all)
		next = slices.DeleteFunc(next, func(p shown) bool { return p.seq >= newest })
		if len(next) == 0 {
			return all
		}
		slices.SortFunc(next, func(a, b shown) int {
			within := func(p shown) int {
				if sums[p.worth] > quota/share {
					return 0
				}
				return 1
			}
			return cmp.Or(within(a)-within(b), int(a.worth)-int(b.worth), cmp.Compare(a.seq, b.seq))
		})
		all = slices.DeleteFunc(all, func(p shown) bool { return p.seq == next[0].seq })
	}
}

// TestQuotaKeepsWhatIsWorthMost drives a store and the model with the same
// appends and corrections and compares what is left after each.
func TestQuotaKeepsWhatIsWorthMost(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	s.mu.Lock()
	s.state.pictureQuota = 20_000
	s.mu.Unlock()
	var model []shown
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			if len(model) > 0 && rapid.IntRange(0, 3).Draw(rt, "kind") == 0 {
				p := &model[rapid.IntRange(0, len(model)-1).Draw(rt, "which")]
				var err error
				if p.worth == worthCorrected {
					p.worth, err = worthOf(p.verdict), s.Uncorrect(t.Context(), p.seq)
				} else {
					p.worth, err = worthCorrected, s.Correct(t.Context(), p.seq, CantTell)
				}
				if err != nil {
					rt.Fatal(err)
				}
			} else {
				n++
				v := rapid.SampledFrom([]wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.Unsure, wire.NotPumpkin}).Draw(rt, "verdict")
				size := rapid.IntRange(100, 3000).Draw(rt, "size")
				seq := add(t, s, n, v, size)
				e, err := s.Record(t.Context(), seq)
				if err != nil {
					rt.Fatal(err)
				}
				model = append(model, shown{seq, e.Image, v, worthOf(v), int64(size)})
				model = keptAfter(model, 20_000, seq)
			}
			compareShelf(rt, s, model)
		}
	})
	checkConsistent(t, s, n)
}

func compareShelf(t *rapid.T, s *Store, model []shown) {
	var total int64
	for _, p := range model {
		total += p.size
		f, err := s.Picture(p.name)
		if err != nil {
			t.Fatalf("picture of record %d (worth %d): %v", p.seq, p.worth, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if u := s.Usage(); u.Pictures != uint64(len(model)) || u.PictureBytes != total {
		t.Fatalf("the store keeps %d pictures of %d bytes, the rule %d of %d", u.Pictures, u.PictureBytes, len(model), total)
	}
}

func TestYearOfBadOnesLeavesRoomForTodaysGoodOnes(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	s.mu.Lock()
	s.state.pictureQuota = 20_000
	s.mu.Unlock()
	for n := range 30 {
		add(t, s, n, wire.Bad, 1000)
	}
	for n := range 5 {
		add(t, s, 100+n, wire.Good, 1000)
	}
	for seq, want := range map[uint64]bool{35: true, 34: true, 33: false, 30: true} {
		e, err := s.Record(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, s, e.Image); (err == nil) != want || (err != nil && !errors.Is(err, ErrNotFound)) {
			t.Errorf("picture of %d: %v, want kept: %v", seq, err, want)
		}
	}
}

func TestLoweredQuotaTakesEffectWithoutArrivals(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	for n := range 30 {
		add(t, s, n, wire.Good, 100_000)
	}
	if err := s.SetPictureQuota(0); err == nil {
		t.Error("a quota of nothing was accepted")
	}
	if err := s.SetPictureQuota(1); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveSettings(t.Context(), []byte(`{}`)); err != nil { // any change will do
		t.Fatal(err)
	}
	if u := s.Usage(); u.Pictures != 10 || u.PictureQuota != 1_000_000 {
		t.Errorf("usage %+v", u)
	}
	checkConsistent(t, s, 30)
}

func TestPictureLargerThanTheQuotaIsLeftOut(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	opts.PictureQuotaMB = 1
	s := start(t, opts, realDisk{})
	add(t, s, 1, wire.Bad, 1000)
	add(t, s, 2, wire.Bad, 1_000_001)
	if u := s.Usage(); u.Records != 2 || u.Pictures != 1 || u.PicturesNotKept != 1 {
		t.Errorf("usage %+v", u)
	}
}

func TestSharedPictureKeepsTheHigherWorth(t *testing.T) {
	t.Parallel()
	s := start(t, small(t.TempDir()), realDisk{})
	for i, v := range []wire.Verdict{wire.Bad, wire.Good} {
		if _, err := s.Append(t.Context(), sighting(i, v), jpeg(1, 1000), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	got := s.snapshot().shelf
	want := shelf{pictures: 1}
	want.bytes[worthMuch] = 1000
	if got != want {
		t.Errorf("shelf %+v, want %+v", got, want)
	}
	checkConsistent(t, s, 2)
}

func TestShelfOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		bytes [worths]int64
		want  []worth
	}{
		{[worths]int64{50, 50, 50, 50}, []worth{0, 1, 2, 3, 4}},
		{[worths]int64{10, 50, 50, 50}, []worth{1, 2, 3, 0, 4}},
		{[worths]int64{10, 10, 10, 90}, []worth{3, 0, 1, 2, 4}},
		{[worths]int64{50, 10, 10, 10, 80}, []worth{0, 4, 1, 2, 3}},
		{[worths]int64{}, []worth{0, 1, 2, 3, 4}},
	}
	for _, test := range tests {
		s := shelf{bytes: test.bytes}
		if got := s.order(100); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("order of %v is %v, want %v", test.bytes, got, test.want)
		}
	}
}

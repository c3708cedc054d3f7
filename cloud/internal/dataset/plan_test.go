package dataset

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/wire"
)

// start is the time of the first label of the worlds here.
var start = time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)

// world is pictures with the steps of their labels.
type world struct{ known }

func newWorld() *world {
	return &world{known{rules: Rules{GoldenPercent: 20, NearDuplicate: nearDuplicate}}}
}

// picture adds one of a board, taken on a day, with a fingerprint.
func (w *world) picture(board string, day int, fingerprint uint64) *sample.Sample {
	n := len(w.samples)
	w.samples = append(w.samples, sample.Sample{
		Hash: blob.Name(fmt.Append(nil, n)), Bytes: 1, Source: sample.FromBoard, Device: board, Site: "north", Camera: "a", State: sample.Kept, Checked: true,
		Fingerprint: int64(fingerprint), CapturedAt: start.AddDate(0, 0, day).UnixMicro(), ReceivedAt: start.UnixMicro(),
	})
	return &w.samples[n]
}

// say adds a step of a picture's label, later than all before.
func (w *world) say(hash, by, what string, to wire.Verdict) {
	e := label.Event{Hash: hash, What: what, To: to, By: by, Version: 1, At: start.Add(time.Duration(len(w.events)) * time.Second).UnixMicro()}
	for _, before := range w.events {
		if before.Hash == hash {
			e.From, e.Version = before.To, before.Version+1
		}
	}
	w.events = append(w.events, e)
	w.asOf = time.UnixMicro(e.At).UTC()
}

// at is what was known at a moment, as a store reads it.
func (w *world) at(asOf time.Time) known {
	k := w.known
	k.asOf, k.events = asOf, nil
	for _, e := range w.events {
		if e.At <= asOf.UnixMicro() {
			k.events = append(k.events, e)
		}
	}
	slices.SortStableFunc(k.events, func(a, b label.Event) int { return bytes.Compare([]byte(a.Hash), []byte(b.Hash)) })
	return k
}

// draw makes a world by chance.
func draw(t *rapid.T) *world {
	w := newWorld()
	for range rapid.IntRange(1, 60).Draw(t, "pictures") {
		board := fmt.Sprint("board", rapid.IntRange(0, 3).Draw(t, "board"))
		// Few fingerprints, so that there are near-duplicates and chains of them.
		w.picture(board, rapid.IntRange(0, 3).Draw(t, "day"), rapid.Uint64Range(0, 40).Draw(t, "fingerprint"))
	}
	for range rapid.IntRange(1, 120).Draw(t, "labels") {
		one := w.samples[rapid.IntRange(0, len(w.samples)-1).Draw(t, "which")].Hash
		w.say(one, rapid.SampledFrom([]string{"ana", "ben"}).Draw(t, "who"), label.DidLabel, rapid.SampledFrom(label.Labels()).Draw(t, "label"))
	}
	return w
}

func TestNoGroupAndNoClusterStandsOnTwoSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		m, _ := plan(w.at(w.asOf))
		sides, clusters := map[string]Split{}, map[string]string{}
		for _, p := range m.Pictures {
			if before, met := sides[p.Group]; met && before != p.Split {
				t.Fatalf("group %s stands in %s and %s", p.Group, before, p.Split)
			}
			sides[p.Group] = p.Split
			if before, met := clusters[p.Cluster]; p.Cluster != "" && met && before != p.Group {
				t.Fatalf("near-duplicates stand in %s and %s", before, p.Group)
			}
			clusters[p.Cluster] = p.Group
		}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLaterLabelsNeverMoveAGroup(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		early := start.Add(time.Duration(rapid.IntRange(0, 119).Draw(t, "moment")) * time.Second)
		before, _ := plan(w.at(early))
		after, _ := plan(w.at(w.asOf))
		sides := map[string]Split{}
		for _, p := range after.Pictures {
			sides[p.Group] = p.Split
		}
		for _, p := range before.Pictures {
			if now, there := sides[p.Group]; there && now != p.Split {
				t.Fatalf("group %s moved from %s to %s", p.Group, p.Split, now)
			}
		}
	})
}

func TestKeptSidesStayWhenPicturesAreDeleted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		before, sides := plan(w.at(w.asOf))
		w.decided = sides
		gone := rapid.IntRange(0, len(w.samples)-1).Draw(t, "gone")
		w.events = slices.DeleteFunc(w.events, func(e label.Event) bool { return e.Hash == w.samples[gone].Hash })
		w.samples = slices.Delete(w.samples, gone, gone+1)
		w.picture("new", 0, 0)
		w.say(w.samples[len(w.samples)-1].Hash, "ana", label.DidLabel, wire.Bad)
		w.asOf = start.AddDate(0, 0, 1)
		after, _ := plan(w.at(w.asOf))
		was := map[string]Split{}
		for _, p := range before.Pictures {
			was[p.Group] = p.Split
		}
		for _, p := range after.Pictures {
			if side, met := was[p.Group]; met && side != p.Split {
				t.Fatalf("group %s moved from %s to %s", p.Group, side, p.Split)
			}
		}
	})
}

func TestOrderOfWhatIsReadChangesNoByte(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		one, _ := plan(w.at(w.asOf))
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(w.samples), func(i, j int) { w.samples[i], w.samples[j] = w.samples[j], w.samples[i] })
		other, _ := plan(w.at(w.asOf))
		a, err1 := one.Encode()
		b, err2 := other.Encode()
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Fatalf("%v, %v\n%s\n%s", err1, err2, a, b)
		}
	})
}

func TestEachClassIsSetAsideInItsShareFromThreeGroupsOn(t *testing.T) {
	t.Parallel()
	for _, class := range classes() {
		for _, groups := range []int{3, 5, 10, 50} {
			var all []standing
			for i := range groups {
				all = append(all, standing{Group: fmt.Sprint(i), Stratum: class, FirstAt: int64(i)})
			}
			decide(all, 20)
			got := map[Split]int{}
			for _, g := range all {
				got[g.Split]++
			}
			if want := max(1, groups/5); got[Golden] != want || got[Validation] != want {
				t.Errorf("%s: of %d groups %v", class, groups, got)
			}
		}
	}
}

func TestWhatPeopleCantSayOrDisputeIsLeftOutAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var names []string
	for i := range 9 {
		names = append(names, w.picture("b", i, 0).Hash)
	}
	say := func(i int, by string, to wire.Verdict) { w.say(names[i], by, label.DidLabel, to) }
	say(0, "ana", wire.Good)
	say(1, "ana", wire.Good)
	say(1, "ben", wire.Bad) // they differ
	say(2, "ana", label.CantTell)
	say(3, "ana", wire.Good)
	w.say(names[3], "ana", label.DidUndo, "") // nothing is left
	say(4, "ana", wire.Good)
	say(4, "ana", wire.Bad) // she thought again
	say(5, "ana", wire.Good)
	say(5, "ben", wire.Bad)
	w.say(names[5], "ben", label.DidUndo, wire.Good) // he took it back
	say(6, "ana", wire.Good)
	say(7, "ana", wire.Good)
	say(8, "ana", wire.Good)
	w.samples[6].LeftOut = true
	w.samples[7].Checked = false
	w.samples[8].DuplicateOf = names[0] // another day's
	m, _ := plan(w.at(w.asOf))
	classOf := map[string]wire.Verdict{}
	for _, p := range m.Pictures {
		classOf[p.Image] = p.Class
	}
	if len(classOf) != 3 || classOf[names[0]] != wire.Good || classOf[names[4]] != wire.Bad || classOf[names[5]] != wire.Good {
		t.Errorf("in it are %v", classOf)
	}
	got := m.Count().LeftOut
	for _, why := range []Why{Disputed, CantTell, ByHand, Unchecked, Leaks} {
		if got[why] != 1 {
			t.Errorf("left out: %v", got)
		}
	}
	// Before ben spoke, nobody disagreed.
	early, _ := plan(w.at(time.UnixMicro(w.events[1].At)))
	if len(early.Pictures) != 2 || early.Count().LeftOut[Disputed] != 0 {
		t.Errorf("at an earlier moment: %+v", early)
	}
	// And when both had spoken, of picture 5, before he took it back.
	between, _ := plan(w.at(time.UnixMicro(w.events[len(w.events)-5].At)))
	if got := between.Count().LeftOut[Disputed]; got != 2 {
		t.Errorf("%d were disputed before it was taken back", got)
	}
}

func TestVisitsOfAnImportAreGroupsAndFoldersOfLabelsAreNot(t *testing.T) {
	t.Parallel()
	of := func(origin string) string {
		return groupOf(&sample.Sample{Source: sample.FromImport, Site: "north", Origin: origin})
	}
	if of("p.zip/good/1.jpg") != of("p.zip/bad/2.jpg") {
		t.Error("folders named by labels are visits")
	}
	if of("p.zip/good/monday/1.jpg") != of("p.zip/monday/bad/2.jpg") {
		t.Error("one visit is two groups")
	}
	if of("p.zip/good/monday/1.jpg") == of("p.zip/good/friday/1.jpg") || of("p.zip/1.jpg") == of("q.zip/1.jpg") {
		t.Error("two visits are one group")
	}
}

func FuzzDecode(f *testing.F) {
	w := newWorld()
	w.say(w.picture("b", 0, 0).Hash, "ana", label.DidLabel, wire.Good)
	m, _ := plan(w.at(w.asOf))
	data, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":1,"pictures":[{"image":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%v: %s became %s", err, data, again)
		}
	})
}

package sighting

import (
	"math"
	"slices"
	"testing"
	"time"

	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

func TestWhatComesAndGoesIsOneSighting(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	came := w.now
	w.show(view{thing: 1}, 40*time.Second)
	left := w.now
	w.empty().end(1)
	s := w.closed[0]
	if !s.First.Equal(came) || !s.Last.Equal(left.Add(-w.step)) || s.Frames != 40 || s.Decision.Verdict != wire.Good {
		t.Errorf("%+v; it stood there from %v to %v", s, came, left)
	}
}

func TestLightAndWindAreNoSighting(t *testing.T) {
	t.Parallel()
	for name, weather := range map[string]func(i int) view{
		"a light that flickers": func(i int) view { return view{light: 0.35 * float64(i%3-1)} },
		"clouds that pass": func(i int) view {
			return view{light: 0.3 * math.Sin(float64(i)/9), colour: 0.15 + 0.15*math.Sin(float64(i)/40)}
		},
		"shade that moves over": func(i int) view { return view{shade: float64(i%200) / 200} },
		"a camera in the wind":  func(i int) view { return view{shake: i*7%5 - 2} },
		"the wind at the thing": func(i int) view { return view{nudge: i*5%3 - 1} },
		"a push to the camera":  func(i int) view { return view{shake: i / 150 * 3} },
		"a push to the thing":   func(i int) view { return view{nudge: i / 150 * 4} },
	} {
		for what, thing := range map[string]int{"nothing": 0, "a pumpkin": 1} {
			t.Run(name+" over "+what, func(t *testing.T) {
				t.Parallel()
				w := watching(t, "").empty()
				for i := range 300 {
					v := weather(i)
					v.thing = thing
					w.frame(v)
				}
				w.empty().end(thing)
			})
		}
	}
}

// The words: one still pumpkin under an hour of moving shade is one.
func TestAStillPumpkinUnderAnHourOfMovingShadeIsOne(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	w.step = 6 * time.Second
	for i := range 600 {
		w.frame(view{thing: 1, shade: 0.5 + 0.5*math.Sin(float64(i)/15), light: 0.2 * math.Sin(float64(i)/11), colour: float64(i) / 600})
	}
	w.step = time.Second
	w.show(view{colour: 1}, 20*time.Second).end(1)
	if d := w.closed[0].Last.Sub(w.closed[0].First); d < 59*time.Minute {
		t.Errorf("it was seen for %v", d)
	}
}

// A scene that sits there for a day, with the night between, is one sighting.
func TestAThingThatStaysOverNightIsOne(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	w.step = 2 * time.Minute
	for i := range 24 * 30 {
		hour := float64(i) / 30 // from nine in the morning
		dark := hour > 10 && hour < 21
		v := view{thing: 1, light: 0.2 * math.Cos(hour)}
		switch {
		case dark:
			v.light = -0.98
		case hour >= 21: // another weather
			v.colour = 0.9
		}
		w.frame(v)
	}
	w.step = time.Second
	w.show(view{colour: 0.9}, 20*time.Second).end(1)
}

func TestNightSaysNothing(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	w.show(view{thing: 1}, 20*time.Second)
	frames := w.closed
	w.show(view{light: -0.97}, time.Minute) // it could be gone: nobody can tell
	if len(w.last) != 0 || len(w.closed) != len(frames) {
		t.Errorf("events in the dark: %+v", w.last)
	}
	if s, ok := w.tracker.Current(); !ok || s.Frames != 20 {
		t.Errorf("after dark: %+v, %v", s, ok)
	}
	w.empty().end(1)
}

func TestSwapsAreSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second view
		between       time.Duration
	}{
		"for another thing at once":       {view{thing: 1}, view{thing: 2}, 0},
		"for a like one at once":          {view{thing: 1}, view{thing: 1, like: 1}, 0},
		"carried off, another brought":    {view{thing: 1}, view{thing: 2}, 10 * time.Second},
		"carried off, a like one brought": {view{thing: 1}, view{thing: 1, like: 1}, 10 * time.Second},
		"the very same once more":         {view{thing: 1}, view{thing: 1}, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watching(t, "").empty().show(c.first, 10*time.Second).show(view{}, c.between).show(c.second, 10*time.Second)
			w.empty().end(2)
		})
	}
}

// Things of one kind that the model is not sure about used to be taken for the
// empty place, because they come back.
func TestLikeThingsThatTheModelDoubtsAreNoEmptyPlace(t *testing.T) {
	t.Parallel()
	for name, doubt := range map[string]verdict.Decision{
		"not a pumpkin": called(3),
		"unsure":        {Verdict: wire.Unsure, Reason: wire.ReasonLowConfidence, Probabilities: []float64{.3, .3, .2, .2}},
		"novel":         {Verdict: wire.Unsure, Reason: wire.ReasonNovel, Probabilities: []float64{1, 0, 0, 0}, Novelty: 1},
		"bad pictures":  {Verdict: wire.Unsure, Reason: wire.ReasonQuality, Probabilities: []float64{1, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watching(t, "")
			w.call = func(view) verdict.Decision { return doubt }
			w.empty()
			for range 6 {
				w.show(view{thing: 1}, 10*time.Second).empty()
			}
			w.end(6)
		})
	}
}

func TestTheEmptyPlaceIsLearntLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call    func(v view) verdict.Decision
		visits  int
		atStart bool // a thing stands there when the board starts
		want    int
	}{
		"a fruit stands there at the start":             {nil, 5, true, 6},
		"what stands there at the start is no fruit":    {func(view) verdict.Decision { return called(3) }, 5, true, 6},
		"a model that sees fruit everywhere":            {func(view) verdict.Decision { return called(0) }, 8, false, 8 + 2},
		"a model that sees fruit, a thing at the start": {func(view) verdict.Decision { return called(0) }, 8, true, 9 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watching(t, "")
			if c.call != nil {
				w.call = c.call
			}
			if c.atStart {
				w.show(view{thing: 9}, 10*time.Second)
			}
			w.empty()
			for i := range c.visits {
				w.show(view{thing: i + 1}, 10*time.Second).empty()
			}
			w.end(c.want)
		})
	}
}

// A thing that stood there at the start and was taken for the empty place used
// to hide every later one of its kind.
func TestAThingAtTheStartHidesNoLikeOneLater(t *testing.T) {
	t.Parallel()
	w := watching(t, "")
	model := w.call
	w.call = func(view) verdict.Decision { return called(3) } // at first the model doubts it
	w.show(view{thing: 1}, 10*time.Second)
	w.call = model
	w.empty().show(view{thing: 9}, 10*time.Second).empty()
	for i := range 5 {
		w.show(view{thing: 1, like: i + 1}, 10*time.Second).empty()
	}
	w.end(1 + 1 + 5) // the empty place once, before it was known, and six things
}

// What passes within a second and a half is none; neither is a picture of rags
// that agree with nothing.
func TestWhatPassesIsNoSighting(t *testing.T) {
	t.Parallel()
	for _, thing := range []int{0, 1} {
		w := watching(t, "").empty().show(view{thing: thing}, 10*time.Second)
		for i := range 10 {
			w.frame(view{thing: 20 + i})
			w.show(view{thing: thing}, 5*time.Second)
		}
		for i := range 30 { // a swarm: every frame is another one
			w.frame(view{thing: 40 + i})
		}
		w.show(view{thing: thing}, 5*time.Second)
		w.end(thing)
	}
}

func TestSensitivity(t *testing.T) {
	t.Parallel()
	swap, lamp := view{thing: 1, like: 1}, view{thing: 1, colour: 0.72}
	for _, c := range []struct {
		sensitivity string
		then        view
		want        int
	}{
		{"low", swap, 1}, {"normal", swap, 2}, {"", swap, 2}, {"high", swap, 2},
		{"low", lamp, 1}, {"normal", lamp, 1}, {"", lamp, 1}, {"high", lamp, 2},
	} {
		w := watching(t, c.sensitivity).empty()
		w.show(view{thing: 1}, 10*time.Second).show(c.then, 10*time.Second).empty()
		w.end(c.want)
	}
}

// The farmer's wish for few sightings must not make things of the empty place.
func TestLowSensitivityMissesNoVisit(t *testing.T) {
	t.Parallel()
	w := watching(t, "low").empty()
	w.call = func(view) verdict.Decision { return called(3) }
	for i := range 8 {
		w.show(view{thing: i + 1}, 20*time.Second).show(view{colour: float64(i) / 10}, 20*time.Second)
	}
	w.end(8)
}

func TestAFieldClockThatIsSetCountsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{
		"back an hour": -time.Hour, "back to 1970": -56 * 365 * 24 * time.Hour, "ahead from 1970": 56 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watching(t, "").empty().show(view{thing: 1}, 20*time.Second)
			w.now = w.now.Add(jump)
			w.step = 5 * time.Second
			for i := range 120 { // the light must still be followed
				w.frame(view{thing: 1, colour: float64(i) / 120})
			}
			w.step = time.Second
			w.show(view{colour: 1}, 20*time.Second)
			w.end(1)
			if d := w.closed[0].Last.Sub(w.closed[0].First); d < 10*time.Minute || d > 11*time.Minute {
				t.Errorf("it stood there for %v", d)
			}
		})
	}
}

// A clock that is set while a change is not yet confirmed starts the wait anew.
func TestAClockSetInTheMiddleOfAChange(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	w.frame(view{thing: 1})
	w.now = w.now.Add(-time.Hour)
	w.frame(view{thing: 1})
	if len(w.opened) != 0 {
		t.Error("confirmed by a clock that went back")
	}
	w.show(view{thing: 1}, 10*time.Second).empty().end(1)
	if s := w.closed[0]; s.Last.Before(s.First) {
		t.Errorf("%+v ends before it begins", s)
	}
}

func TestBadPicturesNeitherVoteNorStandForTheSighting(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	blurred := verdict.Decision{Verdict: wire.Unsure, Reason: wire.ReasonQuality, Probabilities: []float64{0, 0, 1, 0}, Top: 2}
	v := view{thing: 1}
	observe := func(d verdict.Decision, sharpness float64) (best bool) {
		w.observe(Observation{Luma: w.luma(v), Embedding: w.embedding(v), Decision: d, Sharpness: sharpness})
		return slices.ContainsFunc(w.last, func(e Event) bool { return e.Best })
	}
	for _, c := range []struct {
		name      string
		decision  verdict.Decision
		sharpness float64
		best      bool
	}{
		{"not yet confirmed", blurred, 5, false},
		{"not yet confirmed", blurred, 5, false},
		{"confirmed, and noise that looks sharp", blurred, 900, true},
		{"blurred, with noise that looks sharp", blurred, 900, false},
		{"the first sound one", called(0), 50, true},
		{"hardly sharper", called(0), 52, false},
		{"sharper", called(0), 80, true},
		{"softer", called(0), 70, false},
	} {
		if got := observe(c.decision, c.sharpness); got != c.best {
			t.Errorf("%s: best picture %v, want %v", c.name, got, c.best)
		}
	}
	w.empty().end(1)
	if d := w.closed[0].Decision; d.Verdict != wire.Good {
		t.Errorf("verdict %s for %q", d.Verdict, d.Reason)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	for i := range 60 {
		w.show(view{thing: i + 1}, 3*time.Second).show(view{colour: float64(i%20) / 10}, 3*time.Second)
	}
	if known, gone := len(w.tracker.empty.known), len(w.tracker.empty.gone); known > maxKnown || gone > maxGone {
		t.Errorf("%d appearances of the empty place, %d scenes that went", known, gone)
	}
	if known, gone := cap(w.tracker.empty.known), cap(w.tracker.empty.gone); known > 4*maxKnown || gone > 4*maxGone {
		t.Errorf("room for %d appearances, %d scenes", known, gone)
	}
}

// The caller reuses the memory of a frame.
func TestNothingOfAFrameIsKept(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	v := view{thing: 1}
	luma, embedding := w.luma(v), w.embedding(v)
	for range 10 {
		w.observe(Observation{Luma: luma, Embedding: embedding, Decision: called(0), Sharpness: 100})
		clear(luma.Pix)
		clear(embedding)
		luma, embedding = w.luma(v), w.embedding(v)
	}
	w.empty().end(1)
}

// A network whose embedding is all zeros says nothing: structure alone decides.
func TestWithoutAnEmbeddingStructureDecides(t *testing.T) {
	t.Parallel()
	w := watching(t, "")
	show := func(v view, n int) {
		for range n {
			w.observe(Observation{Luma: w.luma(v), Embedding: make([]float32, dims), Decision: w.call(v), Sharpness: 100})
		}
	}
	show(view{}, 20)
	show(view{thing: 1}, 20)
	show(view{thing: 1, light: 0.2}, 20)
	show(view{}, 20)
	w.end(1)
}

func TestFlushClosesWhatStandsThere(t *testing.T) {
	t.Parallel()
	w := watching(t, "").empty()
	if events := w.tracker.Flush(); len(events) != 0 {
		t.Errorf("an empty place was closed: %+v", events)
	}
	w.show(view{}, 5*time.Second).show(view{thing: 1}, 10*time.Second)
	w.end(1)
	if _, ok := w.tracker.Current(); ok {
		t.Error("something stands there after the end")
	}
	if events := w.tracker.Flush(); len(events) != 0 {
		t.Errorf("closed twice: %+v", events)
	}
}

func TestCurrentIsWhatStandsThere(t *testing.T) {
	t.Parallel()
	w := watching(t, "")
	want := func(ok bool) {
		t.Helper()
		if s, got := w.tracker.Current(); got != ok || ok && s.Frames == 0 {
			t.Errorf("current %+v, %v", s, got)
		}
	}
	want(false)
	w.empty()
	want(false)
	w.frame(view{thing: 1}) // not yet confirmed
	want(false)
	w.show(view{thing: 1}, 3*time.Second)
	want(true)
	w.empty()
	want(false)
}

// A board may have a task in which no class is a fruit's.
func TestTheCallerSaysWhatAFruitIs(t *testing.T) {
	t.Parallel()
	w := watching(t, "")
	asked := 0
	w.tracker = New(Config{NewBallot: decider(t).Ballot, Fruit: func(d verdict.Decision) bool {
		asked++
		return d.Verdict == wire.NotPumpkin
	}})
	w.empty().show(view{thing: 1}, 10*time.Second)
	if asked == 0 || len(w.opened) == 0 {
		t.Errorf("asked %d times, %d opened", asked, len(w.opened))
	}
}

func TestAPlainPictureIsBlind(t *testing.T) {
	t.Parallel()
	plain := vision.Luma{W: side, H: side, Pix: slices.Repeat([]uint8{120}, side*side)}
	w := watching(t, "").empty()
	for range 10 { // a cloth over the lens
		w.observe(Observation{Luma: plain, Embedding: w.embedding(view{thing: 5}), Decision: called(0)})
	}
	w.empty().end(0)
}

// The dearest frame is one that looks moved: a shift is looked for.
func BenchmarkObserve(b *testing.B) {
	w := newWorld()
	for name, second := range map[string]view{"still": {thing: 1}, "moved": {thing: 1, shake: 5}} {
		b.Run(name, func(b *testing.B) {
			tracker := New(Config{NewBallot: decider(b).Ballot})
			at := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
			var frames []Observation
			for _, v := range []view{{thing: 1}, second} {
				frames = append(frames, Observation{Luma: w.luma(v), Embedding: w.embedding(v), Decision: called(0)})
			}
			for i := 0; b.Loop(); i++ {
				at = at.Add(time.Second)
				o := frames[i%2]
				o.At = at
				tracker.Observe(o)
			}
		})
	}
}

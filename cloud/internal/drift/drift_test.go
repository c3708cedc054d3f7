package drift

import (
	"math"
	"testing"

	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// wantAlarm fails where the first camera has no alarm or another reason.
func wantAlarm(t *testing.T, moved []Score, alarm bool, want Reason) Finding {
	t.Helper()
	if !alarm {
		t.Fatalf("no alarm; what stood out: %+v", moved)
	}
	f := Explain(moved)
	if f.Reason != want {
		t.Errorf("reason %s, want %s: groups %.3v, moved %+v", f.Reason, want, f.Groups, f.Moved)
	}
	return f
}

func TestMuddiedLensIsToldByItsBlur(t *testing.T) {
	t.Parallel()
	_, moved, alarm := after(t, 1, 10, 4, func(camera, _ int, g *[signals]float64, one *sketch.Sight) {
		if camera == 0 {
			g[2] -= 3   // blurred
			g[1] += 1.5 // which the model has never seen either
			one.Place[3] += 300
		}
	})
	f := wantAlarm(t, moved, alarm, Lens)
	if f.Moved[0].Measure != Sharpness || f.Moved[0].Deviation > -3 {
		t.Errorf("what moved: %+v", f.Moved)
	}
}

func TestPicturesTooPoorForTheModelAreTheLens(t *testing.T) {
	t.Parallel()
	const past, cameras = 40, 10
	f := newFleet(newWorld(2, 0.3), cameras)
	f.live(0, past)
	for date := past; date < past+4; date++ {
		for i := range cameras {
			day, _ := f.world.day(i, date)
			for range 40 {
				if i > 0 {
					break
				}
				one := sketch.Sight{Verdict: wire.Unsure, Reason: wire.ReasonQuality}
				one.Look.Sharpness, one.Look.Light.Mean, one.Look.Light.P99 = 4, 120, 180
				if err := day.Sum.Add(one); err != nil {
					t.Fatal(err)
				}
			}
			f.days[i] = append(f.days[i], day)
		}
		f.block()
		f.judge(date)
	}
	moved, alarm := Lasting(f.scores[0])
	wantAlarm(t, moved, alarm, Lens)
}

func TestANewKindIsToldFromDirt(t *testing.T) {
	t.Parallel()
	_, moved, alarm := after(t, 3, 10, 4, func(camera, _ int, g *[signals]float64, one *sketch.Sight) {
		if camera == 0 {
			g[1] += 3
			g[3] += 0.8 // it is a little brighter, too
			for i := range one.Place {
				one.Place[i] += int32(200 * (1 - 2*(i%2)))
			}
		}
	})
	wantAlarm(t, moved, alarm, NewKind)
}

// In these worlds every class has its own place, so that another mix of them
// moves the mean of all pictures as well.
func places(one *sketch.Sight, g *[signals]float64) {
	one.Place[one.Class] += 900
	g[1] += float64(one.Class) * 0.5
}

func TestAnotherMixOfClassesIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(4, 0.3)
	f := newFleet(w, 10)
	w.edit = func(camera, date int, g *[signals]float64, one *sketch.Sight) {
		if camera == 0 && date >= 40 && one.Class == 0 && w.random.Float64() < 0.7 {
			one.Class = 2 // rot
		}
		places(one, g)
	}
	f.live(0, 44)
	for date := 40; date < 44; date++ {
		f.judge(date)
	}
	moved, alarm := Lasting(f.scores[0])
	wantAlarm(t, moved, alarm, OtherMix)
}

func TestANewKindThatTheModelCallsByAnOldNameIsNoMix(t *testing.T) {
	t.Parallel()
	w := newWorld(5, 0.3)
	f := newFleet(w, 10)
	w.edit = func(camera, date int, g *[signals]float64, one *sketch.Sight) {
		if camera == 0 && date >= 40 && w.random.Float64() < 0.6 {
			one.Class = 3
			g[1] += 3
			one.Place[9] -= 900
		}
		places(one, g)
	}
	f.live(0, 44)
	for date := 40; date < 44; date++ {
		f.judge(date)
	}
	moved, alarm := Lasting(f.scores[0])
	wantAlarm(t, moved, alarm, NewKind)
}

func TestACloudyWeekIsOneAlarmForAll(t *testing.T) {
	t.Parallel()
	f, moved, alarm := after(t, 6, 10, 3, func(_, _ int, g *[signals]float64, _ *sketch.Sight) { g[3] -= 2 })
	wantAlarm(t, moved, alarm, OtherSun)
	var today []Score
	for i := range f.scores {
		today = append(today, f.scores[i][len(f.scores[i])-1])
	}
	if len(Together(today)) < 6 {
		t.Error("ten of ten cameras moved, and nobody sees that they did together")
	}
	if Together(today[:2]) != nil {
		t.Error("two cameras are no fleet")
	}
}

func TestTroublesOfDifferentKindsHaveNoCommonCause(t *testing.T) {
	t.Parallel()
	f, _, _ := after(t, 18, 6, 3, func(camera, _ int, g *[signals]float64, _ *sketch.Sight) {
		switch camera {
		case 0, 1:
			g[2] -= 4 // dirt
		case 2, 3:
			g[1] += 4 // new kinds
		}
	})
	var today []Score
	for i := range f.scores {
		today = append(today, f.scores[i][len(f.scores[i])-1])
	}
	if moved := Together(today); moved != nil {
		t.Errorf("taken for one trouble: %d cameras", len(moved))
	}
	for i := range 4 {
		if _, alarm := Lasting(f.scores[i]); !alarm {
			t.Errorf("camera %d has no alarm", i)
		}
	}
}

func TestAModelThatHesitatesWithoutAReason(t *testing.T) {
	t.Parallel()
	_, moved, alarm := after(t, 7, 10, 4, func(camera, _ int, g *[signals]float64, _ *sketch.Sight) {
		if camera == 0 {
			g[0] -= 3
		}
	})
	wantAlarm(t, moved, alarm, LessSure)
}

func TestAFarmerWhoCorrectsMoreOften(t *testing.T) {
	t.Parallel()
	const past, cameras = 40, 10
	f := newFleet(newWorld(8, 0.3), cameras)
	f.live(0, past+4)
	for date := range past + 4 {
		for i := range cameras {
			f.days[i][date].Corrections = date % 3 // of 60, now and then
			if i == 0 && date >= past {
				f.days[i][date].Corrections = 15
			}
		}
	}
	f.block()
	for date := past; date < past+4; date++ {
		f.judge(date)
	}
	moved, alarm := Lasting(f.scores[0])
	wantAlarm(t, moved, alarm, Mistaken)
}

func TestOneStrangeDayIsNoAlarm(t *testing.T) {
	t.Parallel()
	f, moved, alarm := after(t, 9, 10, 6, func(camera, date int, g *[signals]float64, _ *sketch.Sight) {
		if camera == 0 && date == 42 {
			g[2] -= 4 // a cobweb, and the wind that took it
		}
	})
	if alarm {
		t.Errorf("an alarm: %+v", moved)
	}
	if !f.scores[0][2].Hit {
		t.Errorf("the day itself was not seen: p = %v", f.scores[0][2].P)
	}
}

func TestADayWithTenSightingsIsJoinedWithItsNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(10, 0.3)
	var days []Day
	for date, n := range []int{60, 10, 10, 60, 10, 0, 0, 0, 0, 0, 0, 0, 10, 25} {
		w.perDay = n
		day, _ := w.day(0, date)
		days = append(days, day)
	}
	blocks := Blocks(days, UsualRules())
	type shape struct{ date, span, n int }
	var got []shape
	for _, b := range blocks {
		got = append(got, shape{b.Date, b.Span, b.N})
	}
	// The ten of day 4 are too old on day 13 to be joined with.
	want := []shape{{0, 1, 60}, {3, 3, 80}, {13, 2, 35}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAFewSightingsAreNoFartherFromUsualThanChance(t *testing.T) {
	t.Parallel()
	const past, cameras = 40, 10
	f := newFleet(newWorld(11, 0.1), cameras)
	f.live(0, past)
	f.world.perDay = UsualRules().LeastSightings
	f.live(past, past+20)
	small := 0
	for date := past; date < past+20; date++ {
		for _, s := range f.judge(date) {
			if s.P < 0.05 {
				small++
			}
		}
	}
	if small > 25 { // 200 scores: 10 are expected, half as many sightings again make some more
		t.Errorf("%d of 200 quiet days stand out", small)
	}
}

func TestANewCameraLearnsInSilence(t *testing.T) {
	t.Parallel()
	f := newFleet(newWorld(12, 0.3), 10)
	f.live(0, 60)
	f.days[0] = f.days[0][50:] // joined ten days ago
	f.world.edit = func(camera, _ int, g *[signals]float64, _ *sketch.Sight) {
		if camera == 0 {
			g[2] -= 5
		}
	}
	f.live(60, 64)
	for date := 60; date < 64; date++ {
		f.judge(date)
	}
	if len(f.scores[0]) != 4 {
		t.Fatalf("%d scores", len(f.scores[0]))
	}
	for _, s := range f.scores[0] {
		if !s.Muted || s.Hit || s.P > 0.01 {
			t.Errorf("refs %d, muted %v, hit %v, p %v", s.Refs, s.Muted, s.Hit, s.P)
		}
	}
	if _, alarm := Lasting(f.scores[0]); alarm {
		t.Error("a camera that is learning raised an alarm")
	}
}

func TestACameraAwayForAMonthIsNotJudgedByOldHits(t *testing.T) {
	t.Parallel()
	scores := []Score{{Date: 100, Hit: true}, {Date: 131, Hit: true}}
	if _, alarm := Lasting(scores); alarm {
		t.Error("a hit of a month ago counts")
	}
	scores = append(scores, Score{Date: 132, Hit: true})
	if moved, alarm := Lasting(scores); !alarm || len(moved) != 2 {
		t.Errorf("two hits since it is back: %v, %d moved", alarm, len(moved))
	}
	f := newFleet(newWorld(13, 0.3), 3)
	f.live(0, 40)
	f.live(140, 143) // a season later
	for i := range f.streams {
		if refs := refsOf(f.streams[i].Blocks, 42, UsualRules()); len(refs) > 0 {
			t.Errorf("the last season is a reference: %d days", len(refs))
		}
	}
}

func TestAnotherModelBeginsAnew(t *testing.T) {
	t.Parallel()
	f := newFleet(newWorld(14, 0.3), 5)
	f.live(0, 40)
	f.world.model = "second"
	f.world.edit = func(_, _ int, g *[signals]float64, _ *sketch.Sight) { g[0] += 5 } // surer than the one before
	f.live(40, 60)
	for date := 40; date < 60; date++ {
		f.judge(date)
		for i := range f.scores {
			if _, alarm := Lasting(f.scores[i]); alarm {
				t.Errorf("day %d: the other model is an alarm", date)
			}
		}
		for _, s := range f.scores[0] {
			if s.Refs > date-40 || s.Hit && s.Refs < UsualRules().Learn {
				t.Errorf("day %d: hit %v with %d references", date, s.Hit, s.Refs)
			}
		}
	}
}

func TestDaysOfAnAlarmAreNoReference(t *testing.T) {
	t.Parallel()
	f := newFleet(newWorld(15, 0.3), 2)
	f.live(0, 40)
	for i := 20; i < 30; i++ {
		f.days[0][i].Excluded = true
	}
	f.block()
	if got, want := len(refsOf(f.streams[0].Blocks, 39, UsualRules())), 23; got != want { // days 0..32 less ten
		t.Errorf("%d references, want %d", got, want)
	}
}

func TestAFleetOfOneIsJudgedByItself(t *testing.T) {
	t.Parallel()
	_, moved, alarm := after(t, 16, 1, 3, func(_, _ int, g *[signals]float64, _ *sketch.Sight) { g[2] -= 4 })
	wantAlarm(t, moved, alarm, Lens)
}

// Twenty farms with one camera each, a month in which nothing happens: the
// budget is one false alarm for each; by chance it may be some more.
func TestAQuietMonthKeepsTheBudget(t *testing.T) {
	t.Parallel()
	alarms := 0
	for seed := range uint64(20) {
		f := newFleet(newWorld(100+seed, 0.3), 1)
		f.live(0, 70)
		alarms += f.watch(40, 70).alarms
	}
	t.Logf("%d false alarms in 20 months of one camera", alarms)
	if alarms > 28 {
		t.Errorf("%d false alarms in 20 months, 20 are the budget", alarms)
	}
}

func TestTheFirstToReportAreJudgedLikeTheLast(t *testing.T) {
	t.Parallel()
	limits := LimitsFor(1)
	scores := []Score{{P: 0.001}}
	choose(scores, []bool{false}, 100, limits)
	if scores[0].Hit {
		t.Error("the only one of 100 cameras that has told its day is chosen as if it were all")
	}
	scores[0].P = 0.0006
	if choose(scores, []bool{false}, 100, limits); !scores[0].Hit {
		t.Error("one that would be chosen among 100 is not")
	}
}

func TestLimitsKeepTheBudget(t *testing.T) {
	t.Parallel()
	for _, budget := range []float64{0.1, 1, 5} {
		if l := LimitsFor(budget); l.Expected > budget*1.0001 || l.FDR > fdr || l.FDR <= 0 {
			t.Errorf("budget %v: %+v", budget, l)
		}
	}
}

func TestNumbersStayFinite(t *testing.T) {
	t.Parallel()
	constant := &sketch.Sketch{}
	for range 60 {
		if err := constant.Add(sketch.Sight{Verdict: wire.Good, Probabilities: []float64{1, 0}}); err != nil {
			t.Fatal(err)
		}
	}
	var days []Day
	for date := range 40 {
		days = append(days, Day{Date: date, Sum: constant})
	}
	scores := Judge([]Stream{{Key: "a", Blocks: Blocks(days, UsualRules())}}, 39, 1, UsualRules(), LimitsFor(1))
	if len(scores) != 1 || scores[0].P < 0.5 {
		t.Fatalf("%+v", scores)
	}
	for m, z := range scores[0].Deviations {
		if math.IsNaN(z) || math.IsInf(z, 0) || math.Abs(z) > 1e-6 {
			t.Errorf("measure %d deviates by %v", m, z)
		}
	}
}

func TestAFewNewOnesAmongManyOldAreSeen(t *testing.T) {
	t.Parallel()
	n := 0
	_, moved, alarm := after(t, 19, 10, 4, func(camera, _ int, g *[signals]float64, _ *sketch.Sight) {
		if n++; camera == 0 && n%6 == 0 {
			g[1] += 6
		}
	})
	wantAlarm(t, moved, alarm, NewKind)
}

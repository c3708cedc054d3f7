package monitor

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/health"
	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"

	"log/slog"
)

// rig is a monitor with boards that tell it of their days.
type rig struct {
	*Monitor
	t      *testing.T
	db     *db.DB
	now    time.Time
	random *rand.Rand
	model  string
}

const firstDay = 20_000 // in 2024

func newRig(t *testing.T, d *db.DB) *rig {
	t.Helper()
	r := &rig{t: t, db: d, now: WholeDays().Begin(firstDay), random: rand.New(rand.NewPCG(1, 2)), model: strings.Repeat("a", 64)}
	r.Monitor = New(Config{DB: d, Rules: drift.UsualRules(), Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler)})
	return r
}

func (r *rig) board(device, name string) {
	r.t.Helper()
	_, err := r.db.Write().NewRaw("INSERT INTO board (device, name, site, team, state, key_hash, serial, cert_until, joined_at, token, successor, agent, model,"+
		" severity, unsent, goodbye, seen_at, status, status_at, wish, settings, log_lines)"+
		" VALUES (?, ?, 'Oak farm', '', 'joined', '', '', 0, 0, '', '', '', '', '', 0, ?, 0, '', 0, 0, '', '')", device, name, false).Exec(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
}

// tell is a summary of a board.
func (r *rig) tell(device string, s wire.Summary) {
	r.t.Helper()
	s.Contract, s.Epoch = wire.Contract, "epoch"
	err := r.db.Tx(r.t.Context(), func(ctx context.Context, tx bun.Tx) error { return r.Take(ctx, tx, device, s) })
	if err != nil {
		r.t.Fatal(err)
	}
}

// sketchOf sums up n usual sightings, as edit changes them.
func (r *rig) sketchOf(n int, edit func(*sketch.Sight)) []byte {
	r.t.Helper()
	var day [4]float64
	for i := range day {
		day[i] = 0.3 * r.random.NormFloat64()
	}
	sum := &sketch.Sketch{}
	for range n {
		g := func(i int) float64 { return day[i] + r.random.NormFloat64() }
		one := sketch.Sight{Verdict: wire.Good, Probabilities: []float64{0.9, 0.1}, Novelty: 0.16 + 0.03*g(0),
			Look: quality.Report{Sharpness: math.Exp2(7 + 0.5*g(1)), Light: quality.Light{Mean: 120 + 15*g(2), P99: 200}}}
		for i := range one.Place {
			one.Place[i] = int32(5000 + 300*g(3))
		}
		if edit != nil {
			edit(&one)
		}
		if err := sum.Add(one); err != nil {
			r.t.Fatal(err)
		}
	}
	return sum.Encode()
}

// day is a day of a board's camera, told in one hour.
func (r *rig) day(device, camera string, day, n int, edit func(*sketch.Sight)) {
	r.t.Helper()
	r.tell(device, wire.Summary{Hour: WholeDays().Begin(day).Add(10 * time.Hour),
		Sketches: []wire.CameraSketch{{Camera: camera, Model: r.model, Variant: "int8", Data: r.sketchOf(n, edit)}}})
}

// over says that a board's day is over.
func (r *rig) over(device string, day int) {
	r.t.Helper()
	r.tell(device, wire.Summary{Hour: WholeDays().Begin(day).Add(23 * time.Hour)})
}

func (r *rig) step() {
	r.t.Helper()
	if err := r.Step(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// days lets days pass on cameras of the same board name each, judged as they end.
func (r *rig) days(from, to int, devices []string, edit func(device string, day int) func(*sketch.Sight)) {
	r.t.Helper()
	for day := from; day < to; day++ {
		for _, device := range devices {
			var change func(*sketch.Sight)
			if edit != nil {
				change = edit(device, day)
			}
			r.day(device, "north", day, 60, change)
			r.over(device, day)
		}
		r.now = WholeDays().Begin(day + 1)
		r.step()
	}
}

func (r *rig) open() []Alarm {
	r.t.Helper()
	open, err := r.Alarms(r.t.Context(), true, 100)
	if err != nil {
		r.t.Fatal(err)
	}
	return open
}

// of is the newest alarm about a board, closed or not.
func (r *rig) of(device string) Alarm {
	r.t.Helper()
	all, err := r.Alarms(r.t.Context(), false, 100)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, a := range all {
		if a.Device == device {
			return a
		}
	}
	return Alarm{}
}

func (r *rig) conditions() (text string) {
	for _, one := range r.Check(func(_ context.Context, device string) string { return "Board " + device })(r.t.Context()) {
		text += fmt.Sprintf("%s %s %s;", one.Severity, one.Code, one.Args["board"])
	}
	return text
}

func muddy(one *sketch.Sight) { one.Look.Sharpness /= 16 }

func muddiedAfter(device string, from int) func(string, int) func(*sketch.Sight) {
	return func(d string, day int) func(*sketch.Sight) {
		if d == device && day >= from {
			return muddy
		}
		return nil
	}
}

func boards(n int) (devices []string) {
	for i := range n {
		devices = append(devices, fmt.Sprintf("board%d", i))
	}
	return devices
}

const learnt = firstDay + 30

func TestMuddiedLensRaisesOneAlarmThatSomebodyEnds(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		devices := boards(4)
		for _, device := range devices {
			r.board(device, "Barn") // all of one name
		}
		r.days(firstDay, learnt+4, devices, muddiedAfter("board2", learnt))
		open := r.open()
		if len(open) != 1 || open[0].Device != "board2" || open[0].Camera != "north" || open[0].Reason != drift.Lens ||
			open[0].FirstDay != learnt || open[0].LastDay != learnt+3 {
			t.Fatalf("%+v", open)
		}
		facts := open[0].Facts()
		if m := facts.Moved[0]; m.Measure != "sharpness" || m.Deviations > -3 || m.Now > m.Then/8 || facts.Refs < drift.UsualRules().Learn {
			t.Errorf("%+v", facts)
		}
		if got := r.conditions(); got != "warning drift_lens Board board2;" {
			t.Error(got)
		}
		fleet, err := r.Fleet(t.Context())
		if err != nil || len(fleet) != 4 || fleet[0].Device != "board2" || fleet[0].Standing != Alarmed || fleet[0].Board != "Barn" || fleet[1].Standing != Usually {
			t.Errorf("%+v, %v", fleet, err)
		}
		if err := r.Acknowledge(t.Context(), open[0].ID, "ana"); err != nil || r.conditions() != "note drift_lens Board board2;" {
			t.Errorf("%v, %s", err, r.conditions())
		}
		if err := r.Close(t.Context(), open[0].ID, Mended, "ana"); err != nil || r.conditions() != "" {
			t.Errorf("%v, %s", err, r.conditions())
		}
		if err := r.Close(t.Context(), open[0].ID, Usual, "ana"); err != ErrClosed {
			t.Errorf("closed twice: %v", err)
		}
		r.days(learnt+4, learnt+8, devices, nil) // the lens is clean
		if open := r.open(); len(open) != 0 {
			t.Errorf("after it was cleaned: %+v", open)
		}
		r.days(learnt+8, learnt+12, devices, muddiedAfter("board2", learnt+8))
		if open := r.open(); len(open) != 1 || open[0].FirstDay < learnt+8 {
			t.Errorf("mud again: %+v", open)
		}
	})
}

func TestAnAlarmEndsByItselfWhenTheCameraIsAsBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, learnt+3, boards(2), muddiedAfter("board0", learnt))
	if r.of("board0").State != Open {
		t.Fatal("no alarm")
	}
	r.days(learnt+3, learnt+18, boards(2), nil) // rain
	a, err := r.Alarm(t.Context(), r.of("board0").ID)
	if err != nil || a.State != Closed || a.Outcome != Quiet || a.LastDay > learnt+6 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestTheNewUsualIsWhatLaterDaysAreComparedWith(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	always := muddiedAfter("board0", learnt)
	r.days(firstDay, learnt+4, boards(2), always)
	open := r.open()
	if len(open) != 1 {
		t.Fatal("no alarm")
	}
	if err := r.Close(t.Context(), open[0].ID, Usual, "ana"); err != nil {
		t.Fatal(err)
	}
	r.days(learnt+4, learnt+40, boards(2), always)
	if open := r.open(); len(open) != 0 {
		t.Errorf("what was taken for usual is an alarm again: %+v", open)
	}
	fleet, err := r.Fleet(t.Context())
	if err != nil || fleet[0].Standing == Learning || fleet[0].Refs < drift.UsualRules().Learn {
		t.Errorf("%+v, %v", fleet, err)
	}
}

func TestACloudyWeekIsOneAlarmForTheWholeFleet(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, learnt+4, boards(5), func(_ string, day int) func(*sketch.Sight) {
		if day < learnt {
			return nil
		}
		return func(one *sketch.Sight) { one.Look.Light.Mean -= 60 }
	})
	open := r.open()
	if len(open) != 1 || open[0].Device != "" || open[0].Reason != drift.OtherSun || len(open[0].Facts().Cameras) < 3 {
		t.Fatalf("%+v", open)
	}
	if got := r.conditions(); got != "warning drift_many ;" {
		t.Error(got)
	}
	if err := r.Close(t.Context(), open[0].ID, False, "ana"); err != nil {
		t.Fatal(err)
	}
}

func TestABoardAwayForAMonthWakesNobodyWithThePast(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, learnt, boards(3), nil)
	r.days(learnt, learnt+30, boards(3)[1:], nil)
	for day := learnt; day < learnt+30; day++ { // all at once, with a week of mud in the middle
		var edit func(*sketch.Sight)
		if day >= learnt+10 && day < learnt+17 {
			edit = muddy
		}
		r.day("board0", "north", day, 60, edit)
		r.over("board0", day)
	}
	r.step()
	if all, err := r.Alarms(t.Context(), false, 10); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	s, err := r.Series(t.Context(), Camera{"board0", "north"}, 100)
	if err != nil || len(s.Points) != 60 {
		t.Fatalf("%d days, %v", len(s.Points), err)
	}
	hits := 0
	for _, p := range s.Points {
		if p.Score != nil && p.Score.Hit {
			hits++
		}
	}
	if hits < 5 {
		t.Errorf("the week of mud is not to be seen: %d days stood out", hits)
	}
}

func TestAClockIn1970ChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.day("board0", "north", 3, 60, nil)
	r.over("board0", 3)
	r.step()
	if fleet, err := r.Fleet(t.Context()); err != nil || len(fleet) != 0 {
		t.Errorf("%+v, %v", fleet, err)
	}
}

func TestAClockInTheNextCenturyCostsOnlyItsOwnBoard(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, learnt, boards(3), nil)
	r.day("board0", "north", lastDay-20_000, 60, muddy) // 2189
	r.over("board0", lastDay-20_000)
	r.days(learnt, learnt+3, boards(3)[1:], muddiedAfter("board1", learnt))
	open := r.open()
	if len(open) != 1 || open[0].Device != "board1" {
		t.Errorf("%+v", open)
	}
	if s, err := r.Series(t.Context(), Camera{"board0", "north"}, 100); err != nil || len(s.Points) != 31 {
		t.Errorf("its own past is gone: %d days, %v", len(s.Points), err)
	}
}

func TestALateHourCountsInItsDay(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, firstDay+1, boards(1), nil)
	for range 2 { // told twice: counted once
		r.tell("board0", wire.Summary{Hour: WholeDays().Begin(firstDay).Add(5 * time.Hour),
			Sketches: []wire.CameraSketch{{Camera: "north", Model: r.model, Variant: "int8", Data: r.sketchOf(40, nil)}}})
	}
	if due, err := r.due(t.Context()); err != nil || len(due) != 1 || due[0] != firstDay {
		t.Errorf("days to judge: %v, %v", due, err)
	}
	r.step()
	s, err := r.Series(t.Context(), Camera{"board0", "north"}, 10)
	if err != nil || len(s.Points) != 1 || s.Points[0].N != 100 {
		t.Errorf("%+v, %v", s.Points, err)
	}
}

func TestADayThatIsNotOverIsNotJudged(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.day("board0", "north", firstDay, 60, nil)
	if due, err := r.due(t.Context()); err != nil || len(due) != 0 {
		t.Errorf("%v, %v", due, err)
	}
	r.over("board0", firstDay)
	if due, err := r.due(t.Context()); err != nil || len(due) != 1 {
		t.Errorf("%v, %v", due, err)
	}
}

func TestADamagedSketchCostsOnlyItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	one := wire.CameraSketch{Camera: "north", Model: r.model, Variant: "int8", Data: r.sketchOf(60, nil)}
	bad := one
	bad.Camera, bad.Data = "south", []byte("rust")
	r.tell("board0", wire.Summary{Hour: WholeDays().Begin(firstDay), Sketches: []wire.CameraSketch{bad, one, one}})
	r.over("board0", firstDay)
	r.step()
	fleet, err := r.Fleet(t.Context())
	if err != nil || len(fleet) != 1 || fleet[0].ID != "north" || fleet[0].N != 60 {
		t.Errorf("%+v, %v", fleet, err)
	}
}

func TestAnotherModelIsAnEventAndNoAlarm(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, learnt, boards(2), nil)
	r.model = strings.Repeat("b", 64)
	r.days(learnt, learnt+10, boards(2), func(string, int) func(*sketch.Sight) {
		return func(one *sketch.Sight) { one.Novelty /= 3 }
	})
	all, err := r.Alarms(t.Context(), false, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.LastDay >= learnt {
			t.Errorf("%+v", a)
		}
	}
	s, err := r.Series(t.Context(), Camera{"board0", "north"}, 100)
	if err != nil || len(s.Models) != 1 || s.Models[0].Day != learnt || !strings.HasPrefix(s.Models[0].Model, "bbb") {
		t.Errorf("%+v, %v", s.Models, err)
	}
}

func TestHoursAreClearedAndDaysStay(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.days(firstDay, firstDay+2, boards(1), nil)
	r.now = r.now.Add(hoursKept + 24*time.Hour)
	r.step()
	if n, err := r.db.Read().NewSelect().Table("drift_hour").Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d hours are kept, %v", n, err)
	}
	r.tell("board0", wire.Summary{Hour: WholeDays().Begin(firstDay), Sketches: []wire.CameraSketch{{Camera: "north", Model: r.model, Variant: "int8", Data: r.sketchOf(5, nil)}}})
	s, err := r.Series(t.Context(), Camera{"board0", "north"}, 10)
	if err != nil || len(s.Points) != 2 || s.Points[0].N != 60 {
		t.Errorf("a late hour took the place of a whole day: %+v, %v", s.Points, err)
	}
}

// put writes a sample of the random share with its label.
func (r *rig) put(day int, verdict, label wire.Verdict, correction string) {
	r.t.Helper()
	hash := fmt.Sprintf("%064x", r.random.Uint64())
	_, err := r.db.Write().NewRaw("INSERT INTO samples (hash, bytes, source, device, site, camera, zone, epoch, seq, origin, why, worth, verdict, correction,"+
		" captured_at, received_at, state, checked, fault, duplicate_of, width, height, sharpness, brightness, fingerprint)"+
		" VALUES (?, 1, 'board', 'board0', '', 'north', '', 'epoch', 1, '', 'random', 0, ?, ?, ?, 0, 'kept', ?, '', '', 1, 1, 0, 0, 0)",
		hash, string(verdict), correction, db.Micros(WholeDays().Begin(day)), true).Exec(r.t.Context())
	if err == nil && label != "" {
		_, err = r.db.Write().NewRaw("INSERT INTO labels (hash, label, version, labelled_by, labelled_at) VALUES (?, ?, 1, 'ana', 0)", hash, string(label)).Exec(r.t.Context())
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestVerdictsThatAreRightLessOftenAreAnAlarm(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		for day := range 112 {
			label := wire.Good
			if day >= 84 && day%2 == 0 {
				label = wire.Bad // half of them are wrong now
			}
			r.put(firstDay+day, wire.Good, label, "")
			r.put(firstDay+day, wire.Good, label, "")
		}
		r.put(firstDay+111, wire.Unsure, wire.Bad, "")
		r.put(firstDay+111, wire.Good, "cant_tell", "")
		r.put(firstDay+111, wire.Good, "", "bad")
		r.step()
		r.step()
		open := r.open()
		if len(open) != 1 || open[0].Reason != drift.Accuracy {
			t.Fatalf("%+v", open)
		}
		f := open[0].Facts()
		if f.Before.Labelled != 168 || f.Before.Right != 168 || f.After.Labelled != 56 || f.After.Right != 28 || f.After.Unsure != 1 || f.After.Corrected != 1 {
			t.Errorf("before %+v, after %+v", f.Before, f.After)
		}
		if got := r.conditions(); got != "warning drift_accuracy ;" {
			t.Error(got)
		}
		weeks, err := r.Weeks(t.Context(), "board0", firstDay+111, 5)
		if err != nil || len(weeks) != 5 || weeks[0].Right != 14 || weeks[4].Right != 8 {
			t.Errorf("%+v, %v", weeks, err)
		}
	})
}

func TestAFarmersCorrectionsAreCountedOnTheirDay(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	r.put(firstDay, wire.Good, "", "bad")
	r.put(firstDay, wire.Good, "", "good") // he agrees
	r.put(firstDay+1, wire.Good, "", "bad")
	got, err := r.corrections(t.Context(), firstDay, firstDay)
	if err != nil || len(got) != 1 || got[correctedOn{Camera{"board0", "north"}, firstDay}] != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBudgetHasLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, dbtest.SQLite(t))
	for _, wild := range []float64{0, -1, math.NaN(), math.Inf(1), 1000} {
		if err := r.SetBudget(t.Context(), wild, "ana", r.now); err == nil {
			t.Errorf("a budget of %v was taken", wild)
		}
	}
	if b, err := r.Budget(t.Context()); err != nil || b.FalseAlarms != usualBudget || b.By != "" {
		t.Errorf("%+v, %v", b, err)
	}
	for _, budget := range []float64{2, 0.5} {
		if err := r.SetBudget(t.Context(), budget, "ana", r.now); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := r.Budget(t.Context()); err != nil || b.FalseAlarms != 0.5 || b.By != "ana" {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestADatabaseThatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	r := newRig(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found := r.Check(func(context.Context, string) string { return "" })(ctx)
	if len(found) != 1 || found[0].Code != "drift_unknown" || found[0].Severity != health.Warning {
		t.Errorf("%+v", found)
	}
}

// A demo's field clock runs through an hour in seconds: its hours are judged as
// days would be, and it learns from few of them.
func TestAFieldThatRunsFastIsJudgedByTheHour(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	r := newRig(t, d)
	r.Monitor = New(Config{DB: d, Calendar: Calendar{Hours: 1}, Rules: drift.Rules{LeastSightings: 10, Learn: 5}, Now: func() time.Time { return r.now }, Log: r.log})
	begin := r.Of(WholeDays().Begin(firstDay))
	var raised int
	for hour := begin; hour < begin+14 && raised == 0; hour++ {
		for _, device := range boards(3) {
			var edit func(*sketch.Sight)
			if device == "board1" && hour >= begin+8 {
				edit = func(one *sketch.Sight) { one.Novelty += 0.4 }
			}
			r.tell(device, wire.Summary{Hour: r.Begin(hour), Sketches: []wire.CameraSketch{{Camera: "north", Model: r.model, Variant: "int8", Data: r.sketchOf(15, edit)}}})
		}
		r.step()
		for _, a := range r.open() {
			if a.Device == "board1" && a.Reason == drift.NewKind {
				raised = hour
			}
		}
	}
	if raised < begin+8 || raised > begin+10 {
		t.Errorf("a new kind came in hour 8; the alarm in hour %d", raised-begin)
	}
	if got := r.Name(begin + 8); got != "2024-10-04T08" {
		t.Errorf("hour 8 is called %s", got)
	}
}

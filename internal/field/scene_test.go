package field

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"gourdian/internal/vision"
)

func scene(t *testing.T, query string) *Scene {
	t.Helper()
	s, err := ParseScene(query)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const small = "width=160&height=160&seed=5"

func TestSceneRefusesWrongQueriesByName(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"colour=red":              `unknown key "colour"`,
		"seed=-1":                 "seed",
		"speed=0":                 "speed",
		"speed=NaN":               "speed",
		"width=20":                "width",
		"height=99999":            "height",
		"visits=100000":           "visits",
		"varieties=orange,purple": "purple",
		"start=yesterday":         "start",
		"two=maybe":               "two",
		"new=striped":             "VARIETY@DAY",
		"new=striped@0":           "new",
		"mud=0":                   "mud",
		"strange=2":               "strange",
		"seed=1&seed=2":           "given twice",
		"seed=%zz":                "invalid URL escape",
		"varieties=":              "unknown variety",
	} {
		_, err := ParseScene(query)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func FuzzParseScene(f *testing.F) {
	f.Add("seed=7&speed=60&width=960&height=720&varieties=orange,flat&visits=40")
	f.Add("new=warty@3&mud=2&two=1&start=2026-10-05T09:00:00%2B02:00")
	f.Add("visits=0.1;speed=1e4")
	f.Fuzz(func(t *testing.T, query string) {
		if s, err := parse(query); err == nil && (s.width < 160 || s.height < 160 || s.visits <= 0 || s.speed <= 0 || len(s.varieties) == 0) {
			t.Errorf("%q was taken as %+v", query, s)
		}
	})
}

func TestVisitsNeverOverlapAndKeepTheirNumber(t *testing.T) {
	t.Parallel()
	for _, query := range []string{small + "&visits=40", small + "&visits=60&two=1", small + "&visits=240", small + "&visits=1"} {
		s := scene(t, query)
		from := s.Start()
		hours := 1.0
		if s.set.visits < 2 {
			hours = 4
		}
		visits := s.Visits(from, from.Add(time.Duration(hours*float64(time.Hour))))
		if n := float64(len(visits)); math.Abs(n-s.set.visits*hours) > 1+float64(len(s.spots)) {
			t.Errorf("%s: %v visits in %v hours", query, n, hours)
		}
		last := make(map[int]time.Time)
		for _, v := range visits {
			if gap := v.Arrive.Sub(last[v.Stand]); gap < 500*time.Millisecond {
				t.Errorf("%s: only %v between two visits", query, gap)
			}
			if v.Leave.Sub(v.Arrive) < 3*travel {
				t.Errorf("%s: a visit of %v", query, v.Leave.Sub(v.Arrive))
			}
			last[v.Stand] = v.Leave
		}
	}
}

func TestVisitsOfAnHourAreThoseOfItsParts(t *testing.T) {
	t.Parallel()
	s := scene(t, small+"&visits=30")
	whole := s.Visits(s.Start(), s.Start().Add(time.Hour))
	for _, v := range whole {
		part := s.Visits(v.Arrive, v.Arrive.Add(time.Second))
		if len(part) != 1 || !part[0].Leave.Equal(v.Leave) || part[0].Thing.Box != v.Thing.Box {
			t.Errorf("at %v: %v", v.Arrive, part)
		}
	}
}

func TestNothingComesAtNight(t *testing.T) {
	t.Parallel()
	s := scene(t, small)
	midnight := time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC)
	if v := s.Visits(midnight, midnight.Add(5*time.Hour)); len(v) != 0 {
		t.Errorf("%d visits", len(v))
	}
	var dark, bright vision.Image
	s.Render(&dark, midnight)
	s.Render(&bright, midnight.Add(12*time.Hour))
	if mean(&dark) > 0.6*mean(&bright) {
		t.Errorf("night %.0f, noon %.0f", mean(&dark), mean(&bright))
	}
}

func mean(im *vision.Image) float64 {
	sum := 0
	for _, v := range im.Pix {
		sum += int(v)
	}
	return float64(sum) / float64(len(im.Pix))
}

func TestThingsFillTheZoneAsACameraStandsToIt(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"width=320&height=240&seed=3", "width=240&height=240&seed=4", "width=320&height=240&seed=3&two=1"} {
		s := scene(t, query)
		w, h := s.Size()
		side, left := min(w, h), (w-min(w, h))/2
		if s.set.two {
			side = w / 2
		}
		for _, v := range s.Visits(s.Start(), s.Start().Add(30*time.Minute)) {
			b := v.Thing.Box
			from := left
			if s.set.two {
				from = v.Stand * side
			}
			if v.Thing.Kind != "glove" && (b.X < from || b.X+b.W > from+side) {
				t.Errorf("%s: %s %+v is outside its zone", query, v.Thing.Kind, b)
			}
			if fill := float64(max(b.W, b.H)) / float64(side); fill < 0.25 || fill > 1 {
				t.Errorf("%s: %s fills %.2f of the zone", query, v.Thing.Kind, fill)
			}
		}
	}
}

// The order in which frames are asked for must not show.
func TestAFrameDependsOnItsMomentAlone(t *testing.T) {
	t.Parallel()
	a, b := scene(t, small), scene(t, small)
	v := a.Visits(a.Start(), a.Start().Add(10*time.Minute))[2]
	moments := []time.Time{v.Arrive.Add(300 * time.Millisecond), v.Arrive.Add(20 * time.Second), v.Leave.Add(time.Second)}
	frames := make([]vision.Image, len(moments))
	for i, at := range moments {
		a.Render(&frames[i], at)
	}
	for i := len(moments) - 1; i >= 0; i-- {
		var im vision.Image
		b.Render(&im, moments[i])
		if !bytes.Equal(im.Pix, frames[i].Pix) {
			t.Errorf("moment %d differs", i)
		}
	}
}

// Under moving shade a thing at rest stays where it is: its outline against the
// light changes less than when it comes or goes.
func TestAStillThingStaysTheSameUnderMovingShade(t *testing.T) {
	t.Parallel()
	s := scene(t, small+"&visits=6&varieties=orange&strange=0")
	v := s.Visits(s.Start(), s.Start().Add(20*time.Minute))[0]
	at := v.Arrive.Add(v.Leave.Sub(v.Arrive) / 2)
	still := hue(s, v.Thing.Box, at)
	for k := 1; k <= 8; k++ {
		later := at.Add(time.Duration(k) * 10 * time.Second)
		if d := math.Abs(hue(s, v.Thing.Box, later) - still); d > 0.12 {
			t.Errorf("after %ds the fruit's red share moved by %.2f", 10*k, d)
		}
	}
	if d := math.Abs(hue(s, v.Thing.Box, v.Leave.Add(time.Second)) - still); d < 0.08 {
		t.Errorf("gone, and the red share moved by %.2f only", d)
	}
}

// hue is the share of red in the light from the middle of a box.
func hue(s *Scene, b Box, at time.Time) float64 {
	var im vision.Image
	s.Render(&im, at)
	var sum [3]float64
	for y := b.Y + b.H/3; y < b.Y+2*b.H/3; y++ {
		for x := b.X + b.W/3; x < b.X+2*b.W/3; x++ {
			for k := range 3 {
				sum[k] += float64(im.Pix[3*(y*im.W+x)+k])
			}
		}
	}
	return sum[0] / (sum[0] + sum[1] + sum[2])
}

func TestANewVarietyComesFromItsDay(t *testing.T) {
	t.Parallel()
	s := scene(t, small+"&varieties=orange&new=striped@3&strange=0&visits=60")
	count := func(day int) (striped int) {
		from := s.Start().AddDate(0, 0, day-1)
		for _, v := range s.Visits(from, from.Add(20*time.Minute)) {
			if v.Thing.Variety == Striped {
				striped++
			}
		}
		return striped
	}
	if n := count(2); n != 0 {
		t.Errorf("%d striped ones before their day", n)
	}
	if n := count(3); n == 0 {
		t.Error("no striped one on its day")
	}
}

func TestMudComesFromItsDay(t *testing.T) {
	t.Parallel()
	clean, muddy := scene(t, small), scene(t, small+"&mud=2")
	var a, b vision.Image
	for day, same := range []bool{true, false} {
		at := clean.Start().AddDate(0, 0, day)
		clean.Render(&a, at)
		muddy.Render(&b, at)
		if bytes.Equal(a.Pix, b.Pix) != same {
			t.Errorf("day %d: same picture: %v", day+1, !same)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	s, err := ParseScene("width=640&height=480&seed=7&speed=1")
	if err != nil {
		b.Fatal(err)
	}
	var im vision.Image
	v := s.Visits(s.Start(), s.Start().Add(5*time.Minute))[0]
	at := v.Arrive.Add(5 * time.Second)
	s.Render(&im, at)
	for b.Loop() {
		at = at.Add(66 * time.Millisecond)
		s.Render(&im, at)
	}
}

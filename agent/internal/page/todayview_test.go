package page

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

func TestCountsLeadToWhatTheyCount(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	text := r.get("/").Body.String()
	for _, want := range []string{
		`<b class="number">9</b> sightings since midnight`, `href="/history/2026-10-05?verdict=bad"`,
		`href="/history/2026-10-04">Yesterday until 11:00: 2. All day: 5.`, `href="/history/2026-10-05"><b`, "Most came between 9:00 and 10:00: 9.", `href="/sightings/9"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, `verdict=regular`) {
		t.Error("a count of nothing leads somewhere")
	}
}

// TestChartAndTableSayTheSame adds up both.
func TestChartAndTableSayTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	day, before := store.Day{Counts: map[wire.Verdict]int{}}, store.Day{}
	for hour := range day.Hours {
		day.Hours[hour] = map[wire.Verdict]int{wire.Good: hour % 5, wire.Unsure: hour % 3}
		before.Hours[hour] = map[wire.Verdict]int{wire.Bad: (hour * 7) % 4}
		for name, n := range day.Hours[hour] {
			day.Counts[name] += n
			day.Total += n
		}
		before.Total += sum(before.Hours[hour])
	}
	chart := r.server.pages.voices["en"].hourChart(day, &before, nil)
	inTable, inBefore, drawn := 0, 0, 0.0
	for _, row := range chart.Rows {
		inTable += row.Total
		inBefore += row.Before
	}
	for _, bar := range chart.Bars {
		drawn += bar.H * float64(chart.Most) / (chartBottom - chartTop)
		if bar.X < chartLeft || bar.X+bar.W > chartWidth || bar.Y < chartTop || bar.Y+bar.H > chartBottom+1e-9 || bar.Tone == "" {
			t.Errorf("%+v lies outside", bar)
		}
	}
	if inTable != day.Total || inBefore != before.Total || math.Abs(drawn-float64(day.Total)) > 1e-6 {
		t.Errorf("table %d, drawn %v, counted %d; the day before %d of %d", inTable, drawn, day.Total, inBefore, before.Total)
	}
}

func TestAxisEndsEven(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 1, 7: 7, 11: 12, 37: 40, 55: 60, 101: 120, 121: 150, 999: 1000} {
		if got := roundUp(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

func TestRecentFollowsNewSightingsWithoutASearch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.keep(30)
	now := time.Date(2026, 10, 5, 10, 0, 0, 0, time.UTC)
	read := func() []uint64 {
		data, err := r.server.pages.lately.read(now, nil)
		if err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		for _, entry := range data.recent {
			seqs = append(seqs, entry.Seq)
		}
		return seqs
	}
	if got := read(); len(got) != recentShown || got[0] != 30 || got[5] != 15 {
		t.Errorf("%v", got)
	}
	r.keep(35)
	if got := read(); len(got) != recentShown || got[0] != 33 || got[1] != 30 || got[5] != 18 {
		t.Errorf("after five more: %v", got)
	}
	if r.history.query.Verdicts != nil || r.history.query.Limit != 5 {
		t.Errorf("asked for %+v", r.history.query)
	}
	r.keep(36)
	r.keep(36 + latelyAtOnce + 1)
	if got := read(); got[0] != 87 || len(got) != recentShown {
		t.Errorf("after many: %v", got)
	}
}

func TestRecentForgetsNothingOfACorrection(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	r.get("/")
	if w := r.do(request{method: http.MethodPost, target: "/sightings/9/correct", form: map[string][]string{"verdict": {"good"}}, cookie: r.signIn()}); w.Code != http.StatusSeeOther {
		t.Fatalf("%d", w.Code)
	}
	if text := r.get("/").Body.String(); !strings.Contains(text, "you said: Good") {
		t.Error("the page does not show the correction")
	}
}

// TestBrokenStoreFillsNoLog is about pages that stay open beside a store that
// can't be read.
func TestBrokenStoreFillsNoLog(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	for range 3 {
		r.history.set(func(f *fakeHistory) { f.fault = store.ErrClosed })
		r.get("/")
		r.get("/")
	}
	if n := strings.Count(r.log.String(), "reading today's sightings"); n != 1 {
		t.Errorf("%d lines", n)
	}
	r.history.set(func(f *fakeHistory) { f.fault = nil })
	if text := r.get("/").Body.String(); !strings.Contains(text, "sightings since midnight") || strings.Count(r.log.String(), "works=true") != 1 {
		t.Error("it does not come back")
	}
}

func TestCustomModelShowsAllItsSightings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.keep(3)
	r.hub.SetModel(&live.Model{Task: "custom", Classes: []live.ModelClass{{Name: "good"}}})
	if text := r.get("/").Body.String(); !strings.Contains(text, "Last sightings") || strings.Count(text, `href="/sightings/`) != 3 {
		t.Error("not all of them")
	}
}

// TestLostPictureIsSaid is about a picture that has given way to newer ones.
func TestLostPictureIsSaid(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	hash := strings.Repeat("a", 64)
	r.history.set(func(f *fakeHistory) {
		e := f.entries[9]
		e.Image = hash
		f.entries[9] = e
	})
	if text := r.get("/sightings/9").Body.String(); !strings.Contains(text, "No picture is kept") || strings.Contains(text, hash) {
		t.Error("a picture that is gone is shown")
	}
	r.history.set(func(f *fakeHistory) { f.pictures[hash] = []byte("jpeg") })
	if text := r.get("/sightings/9").Body.String(); !strings.Contains(text, `src="/api/v1/pictures/`+hash) {
		t.Error("a picture that is kept is not shown")
	}
}

func TestSightingIsCorrectedAndUndone(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	if w := r.do(request{method: http.MethodPost, target: "/sightings/3/correct", form: map[string][]string{"verdict": {"good"}}}); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/pin") {
		t.Errorf("without a PIN: %d %v", w.Code, w.Header())
	}
	in := r.signIn()
	if text := r.get("/sightings/3").Body.String(); strings.Contains(text, "/correct") || !strings.Contains(text, "/pin?next=%2fsightings%2f3") && !strings.Contains(text, "/pin?next=%2Fsightings%2F3") {
		t.Error("a visitor may correct, or is not led to the PIN")
	}
	text := r.do(request{target: "/sightings/3", cookie: in}).Body.String()
	for _, want := range []string{`value="good"`, `value="regular"`, `value="cant_tell"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, `value="bad"`) || strings.Contains(text, `value="unsure"`) {
		t.Error("what the model said is offered as its correction")
	}
	post := func(action, verdict string) int {
		return r.do(request{method: http.MethodPost, target: "/sightings/3/" + action, form: map[string][]string{"verdict": {verdict}}, cookie: in}).Code
	}
	if code := post("correct", "<script>"); code != http.StatusUnprocessableEntity {
		t.Errorf("no verdict at all: %d", code)
	}
	if code := post("correct", "good"); code != http.StatusSeeOther {
		t.Errorf("%d", code)
	}
	if text := r.get("/sightings/3").Body.String(); !strings.Contains(text, "You said: Good") || !strings.Contains(text, "The model said: Bad") {
		t.Error("the correction is not shown")
	}
	if code := post("undo", ""); code != http.StatusSeeOther || r.history.entries[3].Correction != nil {
		t.Errorf("%d", code)
	}
}

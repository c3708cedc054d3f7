package page

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/vision"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// fullRig is a board on which everything is in use: two cameras, one with two
// zones, a model, a day of sightings and a fault.
func fullRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.showModel()
	now := time.Date(2026, 10, 5, 10, 30, 0, 0, time.UTC)
	zones := []vision.Zone{{ID: "left", X: 0, Y: 0, Side: 5000}, {ID: "right", X: 5000, Y: 0, Side: 5000}}
	r.hub.SetSettings(settings.Default([]settings.Camera{{ID: "barn", Name: "Barn"}, {ID: "row", Name: "North row", Zones: zones}}))
	for _, id := range []string{"barn", "row"} {
		r.hub.SetFrame(id, []byte("jpeg"), time.Now(), now, 7, nil)
	}
	seen := live.ZoneState{
		Zone: "all", Occupied: true, Since: now.Add(-time.Minute), Frames: 4, Verdict: wire.Bad,
		Probabilities: map[string]float64{"bad": 0.97, "good": 0.03},
	}
	r.hub.UpdateCamera("barn", func(c *live.Camera) { c.Zones = []live.ZoneState{seen} })
	r.hub.UpdateCamera("row", func(c *live.Camera) {
		unsure := seen
		unsure.Zone, unsure.Verdict, unsure.Reason = "left", wire.Unsure, wire.ReasonLowConfidence
		c.W, c.H, c.Skips, c.LastSkip = 640, 480, map[string]uint64{"blur": 3}, "blur"
		c.Zones = []live.ZoneState{unsure, {Zone: "right"}}
	})
	r.keep(9)
	counts := map[wire.Verdict]int{wire.Good: 6, wire.Bad: 3}
	day := store.Day{Date: "2026-10-05", Total: 9, Counts: counts}
	day.Hours[9] = counts
	before := store.Day{Date: "2026-10-04", Total: 5, Counts: map[wire.Verdict]int{wire.Good: 5}}
	before.Hours[8], before.Hours[20] = map[wire.Verdict]int{wire.Good: 2}, map[wire.Verdict]int{wire.Good: 3}
	r.history.set(func(f *fakeHistory) { f.days = []store.Day{day, before} })
	r.hub.Raise(live.Condition{Code: "disk_low", Severity: live.Warning, Args: map[string]string{"free_mb": "12"}})
	return r
}

// shownPages is every page for people, on an empty board and on a full one, to
// a visitor and to one who gave the PIN.
func shownPages(t *testing.T, lang string) map[string]*httptest.ResponseRecorder {
	t.Helper()
	shown := map[string]*httptest.ResponseRecorder{}
	header := map[string]string{"Accept-Language": lang}
	for name, r := range map[string]*rig{"empty": newRig(t), "full": fullRig(t)} {
		addresses := []string{
			"/", "/?camera=row", "/history", "/history/2026-10-05", "/history/2026-10-05?verdict=bad&camera=barn", "/history/2026-01-01",
			"/sightings/3", "/sightings/99", "/settings", "/settings?saved=1", "/health", "/pin", "/nothing", "/history/export?from=2026-10-05&to=2026-10-01",
		}
		for _, address := range addresses {
			shown[name+" "+address] = r.do(request{target: address, header: header})
		}
		in := r.signIn()
		for _, address := range []string{"/", "/sightings/3", "/settings", "/pin/change", "/pin"} {
			shown[name+" with PIN "+address] = r.do(request{target: address, header: header, cookie: in})
		}
		bad := typed("barn", "frames_per_second", "none", "zone.0.id", "a b", "zone.0.x", "x")
		shown[name+" refused settings"] = r.do(request{method: http.MethodPost, target: "/settings", form: bad, header: header, cookie: in})
		shown[name+" settings after the session"] = r.do(request{method: http.MethodPost, target: "/settings", form: bad, header: header})
	}
	return shown
}

// TestNothingInlineAndNothingUnsaid looks for what a strict content policy
// would block, for words that are missing, and for what browsers and screen
// readers stumble over.
func TestNothingInlineAndNothingUnsaid(t *testing.T) {
	t.Parallel()
	banned := map[string]*regexp.Regexp{
		"an inline script":       regexp.MustCompile(`<script(?: defer)?>|<script[^>]*>[^<]`),
		"an inline style":        regexp.MustCompile(`<style|\sstyle=`),
		"an inline handler":      regexp.MustCompile(`\son[a-z]+=|\shx-on|javascript:`),
		"a key without a text":   regexp.MustCompile(`\[[a-z]+(\.[a-z0-9_]+)+\]`),
		"an unfilled gap":        regexp.MustCompile(`\{[a-z_]+\}`),
		"refused template input": regexp.MustCompile(`ZgotmplZ|#ZgotmplZ`),
		"a Go value":             regexp.MustCompile(`%!|&lt;nil&gt;|0x[0-9a-f]{6,}`),
		"another host":           regexp.MustCompile(`(?:src|href|action)="(?:[a-z]+:)?//`),
	}
	for _, lang := range web.Languages() {
		for name, w := range shownPages(t, string(lang)) {
			text := w.Body.String()
			if !strings.HasPrefix(text, "<!doctype html>\n<html lang=\""+string(lang)+`"`) {
				t.Errorf("%s: %.60q", name, text)
			}
			for what, pattern := range banned {
				if found := pattern.FindString(text); found != "" {
					t.Errorf("%s %s: %s: %q", lang, name, what, found)
				}
			}
			checkLandmarks(t, name, text)
			checkReferences(t, name, text)
		}
	}
}

func checkLandmarks(t *testing.T, name, text string) {
	t.Helper()
	for part, want := range map[string]int{"<h1": 1, "<main id=\"main\"": 1, "</title>\n<link": 1, "class=\"skip\"": 1, "<header": 1, "<footer": 1} {
		if n := strings.Count(text, part); n != want {
			t.Errorf("%s: %d of %s", name, n, part)
		}
	}
	if strings.Contains(text, "<title> ") {
		t.Errorf("%s has no title", name)
	}
}

// checkReferences wants every id once and every reference to one answered.
func checkReferences(t *testing.T, name, text string) {
	t.Helper()
	ids := map[string]bool{}
	for _, found := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if ids[found[1]] {
			t.Errorf("%s: the id %s stands twice", name, found[1])
		}
		ids[found[1]] = true
	}
	for _, found := range regexp.MustCompile(`\s(?:for|aria-describedby|aria-labelledby)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		for _, id := range strings.Fields(found[1]) {
			if !ids[id] {
				t.Errorf("%s: nothing has the id %s", name, id)
			}
		}
	}
	for _, input := range regexp.MustCompile(`<(?:input|select)[^>]*>`).FindAllString(text, -1) {
		id := regexp.MustCompile(`\sid="([^"]*)"`).FindStringSubmatch(input)
		if !strings.Contains(input, `type="hidden"`) && (id == nil || !strings.Contains(text, `for="`+id[1]+`"`)) {
			t.Errorf("%s: a field without a label: %s", name, input)
		}
	}
}

// TestPagesAreLight adds up what a phone loads for the heaviest page, without
// pictures.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	const most = 100_000 // pages.md: on a weak network a page must be there at once
	r := fullRig(t)
	s := r.hub.State().Settings
	for n := range settings.MaxZones {
		s.Cameras[0].Zones = append(s.Cameras[0].Zones, vision.Zone{ID: fmt.Sprintf("zone-%d", n), X: 300 * n, Y: 400 * n, Side: 2000})
	}
	r.hub.SetSettings(s)
	in := r.signIn()
	zipped := map[string]string{"Accept-Encoding": "gzip"}
	for _, address := range []string{"/", "/settings", "/history/2026-10-05", "/health"} {
		w := r.do(request{target: address, cookie: in})
		small := r.do(request{target: address, cookie: in, header: zipped})
		weight := small.Body.Len()
		if text := unzipped(t, small.Body); small.Header().Get("Content-Encoding") != "gzip" || !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
			t.Errorf("%s: %v %.60q", address, small.Header(), text)
		}
		for _, found := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]*)"`).FindAllStringSubmatch(w.Body.String(), -1) {
			asset := r.do(request{target: found[1], header: zipped})
			if asset.Code != http.StatusOK || asset.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
				t.Errorf("%s: %d %q", found[1], asset.Code, asset.Header().Get("Cache-Control"))
			}
			weight += asset.Body.Len()
		}
		if weight > most {
			t.Errorf("%s weighs %d bytes", address, weight)
		}
		t.Logf("%s: %d bytes", address, weight)
	}
}

func unzipped(t *testing.T, r io.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestChoicesOfAReader(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.do(request{method: http.MethodPost, target: "/language", form: map[string][]string{"language": {"es"}, "next": {"/health"}}})
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/health" || len(cookies) != 1 {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if text := r.do(request{target: "/", cookie: cookies[0], header: map[string]string{"Accept-Language": "en"}}).Body.String(); !strings.Contains(text, `<html lang="es">`) {
		t.Error("the language was not kept")
	}
	w = r.do(request{method: http.MethodPost, target: "/theme", form: map[string][]string{"theme": {"dark"}, "next": {"/"}}})
	if text := r.do(request{target: "/", cookie: w.Result().Cookies()[0]}).Body.String(); !strings.Contains(text, `data-theme="dark"`) {
		t.Error("the colours were not kept")
	}
}

func TestHostileChoicesChangeNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for target, form := range map[string]map[string][]string{
		"/language": {"language": {"xx"}, "next": {"https://evil.example/"}},
		"/theme":    {"theme": {`dark" onload="x`}, "next": {`//evil.example`}},
	} {
		w := r.do(request{method: http.MethodPost, target: target, form: form})
		if w.Header().Get("Location") != "/" || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %v", target, w.Header())
		}
	}
	text := r.do(request{target: "/", cookie: &http.Cookie{Name: themeCookie, Value: `dark onload=y`}}).Body.String()
	if strings.Contains(text, "onload") || strings.Contains(text, "data-theme") {
		t.Error("a cookie came back as markup")
	}
}

func TestNamesOfTheFarmerAreNoMarkup(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	s := r.hub.State().Settings
	s.BoardName, s.Cameras[0].Name = `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`
	r.hub.SetSettings(s)
	for _, address := range []string{"/", "/settings", "/health", "/history/2026-10-05", "/sightings/3"} {
		if text := r.get(address).Body.String(); strings.Contains(text, "<script>") || strings.Contains(text, "<img src=x") {
			t.Errorf("%s takes a name for markup", address)
		}
	}
}

func TestErrorsComeInWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	broken := newRig(t)
	broken.history.set(func(f *fakeHistory) { f.fault = store.ErrClosed })
	for _, c := range []struct {
		r      *rig
		q      request
		status int
		words  string
	}{
		{r, request{target: "/nothing"}, http.StatusNotFound, "There is no such page"},
		{r, request{target: "/sightings/77"}, http.StatusNotFound, "This sighting is not kept here"},
		{r, request{target: "/sightings/x"}, http.StatusNotFound, "There is no such page"},
		{r, request{target: "/history/2026-13-01"}, http.StatusNotFound, "There is no such page"},
		{r, request{target: "/history/2026-10-05?before=x"}, http.StatusNotFound, "There is no such page"},
		{r, request{method: http.MethodPost, target: "/health"}, http.StatusMethodNotAllowed, "can’t be done at this address"},
		{r, request{target: "/", host: "evil.example"}, http.StatusMisdirectedRequest, "does not go by that name"},
		{broken, request{target: "/history"}, http.StatusServiceUnavailable, "history can’t be read"},
		{broken, request{target: "/sightings/1"}, http.StatusServiceUnavailable, "history can’t be read"},
		{broken, request{target: "/"}, http.StatusOK, "counts can’t be read now"},
	} {
		w := c.r.do(c.q)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
			t.Errorf("%+v: %d, without %q", c.q, w.Code, c.words)
		}
	}
}

func TestExportOfDays(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	w := r.get("/history/export?from=2026-10-05&to=2026-10-05")
	want := [2]time.Time{time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC)}
	if r.history.exportSpan != want || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" ||
		w.Header().Get("Content-Disposition") != `attachment; filename="sightings-2026-10-05.csv"` {
		t.Errorf("%v %v", r.history.exportSpan, w.Header())
	}
	if lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n"); len(lines) != 10 {
		t.Errorf("%q", lines)
	}
	if r.get("/history/export"); r.history.exportSpan != [2]time.Time{} {
		t.Errorf("without days: %v", r.history.exportSpan)
	}
	for _, bad := range []string{"from=2026-10-06&to=2026-10-05", "from=x", `to=2026-10-05%22%3B+filename=%22x.exe`} {
		if w := r.get("/history/export?" + bad); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "two days in order") {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	r.history.set(func(f *fakeHistory) { f.fault = store.ErrClosed })
	if w := r.get("/history/export"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("a broken store: %d %v", w.Code, w.Header())
	}
}

// TestDayLeadsThroughAllItsSightings follows "Earlier ones" to the end.
func TestDayLeadsThroughAllItsSightings(t *testing.T) {
	t.Parallel()
	const n = 2*dayCards + 3
	r := fullRig(t)
	r.keep(n)
	var seen []string
	for address := "/history/2026-10-05"; address != ""; {
		text := r.get(address).Body.String()
		for _, found := range regexp.MustCompile(`href="/sightings/(\d+)"`).FindAllStringSubmatch(text, -1) {
			seen = append(seen, found[1])
		}
		next := regexp.MustCompile(`class="button plain" href="([^"]*)">Earlier ones`).FindStringSubmatch(text)
		address = ""
		if next != nil {
			address = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	if len(seen) != n || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != n {
		t.Errorf("%d sightings, want %d", len(seen), n)
	}
}

package page

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

func TestCursorWalksEveryRecordOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 9, 10, 11, 20, 23} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.keep(n)
			target, want, pages := "/api/v1/records?limit=10", uint64(n), 0
			for target != "" {
				got := answer[recordsAnswer](t, r.get(target))
				target = ""
				for _, e := range got.Records {
					if e.Seq != want {
						t.Fatalf("record %d where %d was due", e.Seq, want)
					}
					want--
				}
				if got.Next != nil {
					target = fmt.Sprintf("/api/v1/records?limit=10&before=%d", *got.Next)
				}
				if pages++; pages > 4 {
					t.Fatal("the cursor does not come to an end")
				}
			}
			if want != 0 {
				t.Errorf("records 1 to %d were left out", want)
			}
			if most := max(1, (n+9)/10); pages > most {
				t.Errorf("%d pages for %d records", pages, n)
			}
		})
	}
}

// TestRecordThatArrivesBetweenTwoPagesMovesNothing would fail with pages by
// offset.
func TestRecordThatArrivesBetweenTwoPagesMovesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.keep(6)
	first := answer[recordsAnswer](t, r.get("/api/v1/records?limit=3"))
	r.keep(8)
	second := answer[recordsAnswer](t, r.get(fmt.Sprintf("/api/v1/records?limit=3&before=%d", *first.Next)))
	if got := second.Records[0].Seq; got != 3 {
		t.Errorf("the second page begins at %d, want 3", got)
	}
	if second.Next != nil {
		t.Errorf("a page after record 1: before=%d", *second.Next)
	}
}

func TestFiltersReachTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.keep(30)
	got := answer[recordsAnswer](t, r.get("/api/v1/records?camera=barn&verdict=bad,unsure&verdict=regular"+
		"&from=2026-10-05T09:05:00Z&to=2026-10-05T11:11:00%2B02:00&limit=2&before=9"))
	if len(got.Records) != 1 || got.Records[0].Seq != 6 || got.Next != nil {
		t.Errorf("got %+v", got)
	}
	q := r.history.query
	if q.Before != 9 || q.Limit != 2 || q.Camera != "barn" || fmt.Sprint(q.Verdicts) != "[bad unsure regular]" ||
		!q.From.Equal(time.Date(2026, 10, 5, 9, 5, 0, 0, time.UTC)) || !q.To.Equal(time.Date(2026, 10, 5, 9, 11, 0, 0, time.UTC)) {
		t.Errorf("the store was asked for %+v", q)
	}
}

func TestEmptyListsAreListsNotNull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for target, want := range map[string]string{
		"/api/v1/records": `{"records":[],"next":null}`,
		"/api/v1/days":    `{"days":[]}`,
	} {
		if got := strings.TrimSpace(r.get(target).Body.String()); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestBadParametersAreSaidNotIgnored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.keep(3)
	for _, target := range []string{
		"/api/v1/records?limit=0", "/api/v1/records?limit=501", "/api/v1/records?limit=-1", "/api/v1/records?limit=ten",
		"/api/v1/records?limit=", "/api/v1/records?before=-1", "/api/v1/records?before=x", "/api/v1/records?before=18446744073709551616",
		"/api/v1/records?from=yesterday", "/api/v1/records?from=2026-10-05", "/api/v1/records?to=2026-13-01T00:00:00Z",
		"/api/v1/records?from=2026-10-05T10:00:00Z&to=2026-10-05T10:00:00Z", "/api/v1/records?verdict=", "/api/v1/records?verdict=bad,",
		"/api/v1/records?verdcit=bad", "/api/v1/records?limit=3&limit=x", "/api/v1/records?verdict=" + strings.Repeat("a,", 100) + "a",
		"/api/v1/days?limit=0", "/api/v1/days?limit=367", "/api/v1/days?limit=week",
		"/api/v1/days/today", "/api/v1/days/2026-02-30", "/api/v1/days/2026-10-5", "/api/v1/days/2026-10-05T00:00:00Z",
		"/api/v1/records/0", "/api/v1/records/-1", "/api/v1/records/1.5", "/api/v1/records/one", "/api/v1/records/18446744073709551616",
		"/api/v1/pictures/x.jpg",
	} {
		w := r.get(target)
		if code := fault(t, w); w.Code != http.StatusBadRequest || code != "bad_request" {
			t.Errorf("%s: %d %s", target, w.Code, code)
		}
		if body := w.Body.String(); strings.Contains(body, "strconv") || strings.Contains(body, "parsing time") {
			t.Errorf("%s: the inside of the program shows: %s", target, body)
		}
	}
}

func TestLongParameterIsNotEchoedWhole(t *testing.T) {
	t.Parallel()
	w := newRig(t).get("/api/v1/records?limit=" + strings.Repeat("9", 10_000))
	if fault(t, w); w.Body.Len() > 1000 {
		t.Errorf("%d bytes of answer", w.Body.Len())
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.history.days = []store.Day{
		{Date: "2026-10-06", Total: 2, Counts: map[wire.Verdict]int{"good": 2}},
		{Date: "2026-10-05", Total: 1, Counts: map[wire.Verdict]int{"bad": 1}},
	}
	if got := answer[daysAnswer](t, r.get("/api/v1/days?limit=1")); len(got.Days) != 1 || got.Days[0].Date != "2026-10-06" {
		t.Errorf("%+v", got)
	}
	answer[daysAnswer](t, r.get("/api/v1/days"))
	if r.history.daysLimit != 30 {
		t.Errorf("%d days without a limit", r.history.daysLimit)
	}
	if got := answer[store.Day](t, r.get("/api/v1/days/2026-10-05")); got.Total != 1 || got.Counts["bad"] != 1 {
		t.Errorf("%+v", got)
	}
	if got := answer[store.Day](t, r.get("/api/v1/days/2020-02-29")); got.Total != 0 || got.Date != "2020-02-29" {
		t.Errorf("a day without sightings: %+v", got)
	}
}

func TestStoreFaultsKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	cases := []struct {
		err    error
		status int
		code   string
	}{
		{store.ErrNotFound, http.StatusNotFound, "not_found"},
		{store.ErrFull, http.StatusInsufficientStorage, "full"},
		{store.ErrClosed, http.StatusServiceUnavailable, "stopping"},
		{errors.New("open /var/lib/secret: input/output error"), http.StatusInternalServerError, "internal"},
	}
	for _, c := range cases {
		r := newRig(t)
		cookie := r.signIn()
		r.history.set(func(f *fakeHistory) { f.fault = fmt.Errorf("wrapped: %w", c.err) })
		for _, q := range []request{
			{target: "/api/v1/records"}, {target: "/api/v1/records/1"}, {target: "/api/v1/days"}, {target: "/api/v1/days/2026-10-05"},
			{target: "/api/v1/pictures/" + strings.Repeat("a", 64) + ".jpg"},
			{method: http.MethodPut, target: "/api/v1/records/1/correction", body: `{"verdict":"bad"}`, cookie: cookie},
			{method: http.MethodDelete, target: "/api/v1/records/1/correction", cookie: cookie},
		} {
			w := r.do(q)
			if code := fault(t, w); w.Code != c.status || code != c.code {
				t.Errorf("%s with %v: %d %s, want %d %s", q.target, c.err, w.Code, code, c.status, c.code)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s: a path of the board shows: %s", q.target, w.Body)
			}
		}
		if c.code == "internal" && !strings.Contains(r.log.String(), "secret") {
			t.Error("the log does not say what failed")
		}
	}
}

func TestCorrectionAndUndo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	r.keep(3)
	cookie := r.signIn()
	target := "/api/v1/records/2/correction"
	got := answer[store.Entry](t, r.do(request{method: http.MethodPut, target: target, body: `{"verdict":"bad"}`, cookie: cookie}))
	if got.Correction == nil || got.Correction.Verdict != wire.Bad || got.Verdict != wire.Good {
		t.Errorf("%+v: the correction stands beside the verdict", got)
	}
	answer[store.Entry](t, r.do(request{method: http.MethodPut, target: target, body: ` {"verdict": "cant_tell"} ` + "\n", cookie: cookie}))
	got = answer[store.Entry](t, r.do(request{method: http.MethodDelete, target: target, cookie: cookie}))
	if got.Correction != nil {
		t.Errorf("%+v after undo", got)
	}
	if fmt.Sprint(r.history.corrections) != "[bad cant_tell]" {
		t.Errorf("kept %v", r.history.corrections)
	}
}

func TestCorrectionThatNobodyCanMean(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	r.keep(3)
	cookie := r.signIn()
	cases := []struct {
		target, body string
		status       int
	}{
		{"2", `{"verdict":"unsure"}`, http.StatusUnprocessableEntity},
		{"2", `{"verdict":""}`, http.StatusUnprocessableEntity},
		{"2", `{"verdict":"rotten"}`, http.StatusUnprocessableEntity},
		{"2", `null`, http.StatusUnprocessableEntity},
		{"2", ``, http.StatusBadRequest},
		{"2", `[]`, http.StatusBadRequest},
		{"2", `{"verdict":1}`, http.StatusBadRequest},
		{"2", `{"verdict":"bad","also":1}`, http.StatusBadRequest},
		{"2", `{"verdict":"bad"}{"verdict":"good"}`, http.StatusBadRequest},
		{"2", `{"verdict":"bad"} x`, http.StatusBadRequest},
		{"0", `{"verdict":"bad"}`, http.StatusBadRequest},
		{"99", `{"verdict":"bad"}`, http.StatusNotFound},
		{"2", `{"verdict":"` + strings.Repeat("a", maxBodyBytes) + `"}`, http.StatusRequestEntityTooLarge},
	}
	for _, c := range cases {
		w := r.do(request{method: http.MethodPut, target: "/api/v1/records/" + c.target + "/correction", body: c.body, cookie: cookie})
		if fault(t, w); w.Code != c.status {
			t.Errorf("record %s, %.60s: %d, want %d: %s", c.target, c.body, w.Code, c.status, w.Body)
		}
		if w.Body.Len() > 1000 {
			t.Errorf("%d bytes of answer", w.Body.Len())
		}
	}
	if len(r.history.corrections) != 0 {
		t.Errorf("kept %v", r.history.corrections)
	}
}

// TestCorrectionOfAnOlderModelsRecord may name that model's classes, and those
// of the model that runs.
func TestCorrectionOfAnOlderModelsRecord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	r.keep(1)
	r.history.set(func(f *fakeHistory) {
		e := f.entries[1]
		e.Probabilities = map[string]float64{"melon": 0.5, "pumpkin": 0.5, "bad": 0}
		f.entries[1] = e
	})
	cookie := r.signIn()
	for _, verdict := range []string{"melon", "pumpkin", "regular", "cant_tell"} {
		w := r.do(request{method: http.MethodPut, target: "/api/v1/records/1/correction", body: `{"verdict":"` + verdict + `"}`, cookie: cookie})
		answer[store.Entry](t, w)
	}
	if got := fmt.Sprint(r.server.correctVerdicts(r.history.entries[1])); got != "[good regular bad not_pumpkin melon pumpkin cant_tell]" {
		t.Errorf("offered %s", got)
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("limit=10&before=7&camera=barn&verdict=bad,unsure&from=2026-10-05T09:00:00Z&to=2026-10-06T09:00:00Z")
	f.Add("limit=&limit=3")
	f.Add("verdict=,")
	f.Add(strings.Repeat("a", 4000) + "=1") // was echoed whole
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, err := parseQuery(values)
		if err != nil {
			if len(err.Error()) > 600 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if q.Limit < 1 || q.Limit > maxRecords || len(q.Verdicts) > 100 {
			t.Errorf("the store would be asked for %+v", q)
		}
		if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
			t.Errorf("a span that ends before it begins: %+v", q)
		}
		for name := range values {
			switch name {
			case "before", "limit", "camera", "verdict", "from", "to":
			default:
				t.Errorf("the unknown parameter %q was taken", name)
			}
		}
	})
}

func FuzzDecodeBody(f *testing.F) {
	f.Add(`{"verdict":"bad"}`)
	f.Add(`{"verdict":"bad"}{}`)
	f.Add(`{"verdict":"bad","x":[[[[]]]]}`)
	f.Add("null")
	f.Fuzz(func(t *testing.T, body string) {
		var v struct {
			Verdict string `json:"verdict"`
		}
		if err := decodeBody(strings.NewReader(body), &v); err != nil {
			return
		}
		trimmed := strings.Trim(body, " \t\r\n")
		if trimmed == "null" {
			return
		}
		if !strings.HasPrefix(trimmed, "{") || !strings.HasSuffix(trimmed, "}") {
			t.Errorf("%q was taken for one object", body)
		}
	})
}

package page

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gourdian/agent/internal/live"
)

var (
	sample  = regexp.MustCompile(`^([a-z_:][a-z0-9_:]*(?:\{[^}]*\})?) (\S+)$`)
	comment = regexp.MustCompile(`^# (HELP|TYPE) [a-z_:][a-z0-9_:]* \S`)
)

// metricsOf reads /metrics as a scraper does: every line must be a comment or a
// sample with a number, and none may stand twice.
func metricsOf(t *testing.T, r *rig) map[string]float64 {
	t.Helper()
	w := r.get("/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	values := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			if !comment.MatchString(line) {
				t.Errorf("not a comment: %q", line)
			}
			continue
		}
		match := sample.FindStringSubmatch(line)
		if match == nil {
			t.Errorf("not a sample: %q", line)
			continue
		}
		value, err := strconv.ParseFloat(match[2], 64)
		if _, twice := values[match[1]]; err != nil || twice {
			t.Errorf("%q: %v, twice: %v", line, err, twice)
		}
		values[match[1]] = value
	}
	return values
}

func expect(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		if have, ok := got[name]; !ok || have != value {
			t.Errorf("%s is %v (there: %v), want %v", name, have, ok, value)
		}
	}
}

func TestMetricsCountWhatTheBoardDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.showModel()
		r.hub.UpdateModel(func(m *live.Model) { m.InferMillis, m.Restarts = 12.5, 3 })
		r.hub.UpdateCamera("barn", func(c *live.Camera) {
			c.Scored, c.Dropped, c.Skips = 7, 2, map[string]uint64{"blurred": 4, "duplicate": 1}
			c.Zones = []live.ZoneState{{Zone: "a", Occupied: true}, {Zone: "b"}, {Zone: "c", Occupied: true}}
		})
		r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 9, nil)
		r.hub.SetStore(live.Store{Records: 5, LastSeq: 5, Pictures: 4, PictureBytes: 1000, PictureQuota: 5000, NotKept: 1, Degraded: true})
		r.hub.Raise(live.Condition{Code: "disk_low", Severity: live.Warning})
		r.hub.Raise(live.Condition{Code: "camera_missing", Severity: live.Serious, Subject: "a"})
		r.hub.Raise(live.Condition{Code: "camera_missing", Severity: live.Serious, Subject: "b"})
		_, done, _ := r.server.streams.begin(t.Context())
		defer done()
		pass(4 * time.Second)
		expect(t, metricsOf(t, r), map[string]float64{
			`gourdian_build_info{version="1.2.3"}`:                            1,
			`gourdian_frames_scored_total{camera="barn"}`:                     7,
			`gourdian_frames_dropped_total{camera="barn"}`:                    2,
			`gourdian_frames_skipped_total{camera="barn",reason="blurred"}`:   4,
			`gourdian_frames_skipped_total{camera="barn",reason="duplicate"}`: 1,
			`gourdian_frame_age_seconds{camera="barn"}`:                       4,
			`gourdian_frame_stale{camera="barn"}`:                             0,
			`gourdian_occupied_zones{camera="barn"}`:                          2,
			`gourdian_sightings_recorded_total`:                               5,
			`gourdian_sightings_not_kept_total`:                               1,
			`gourdian_store_pictures`:                                         4,
			`gourdian_store_picture_bytes`:                                    1000,
			`gourdian_store_picture_quota_bytes`:                              5000,
			`gourdian_store_degraded`:                                         1,
			`gourdian_inference_seconds`:                                      0.0125,
			`gourdian_worker_restarts_total{worker="infer"}`:                  3,
			`gourdian_conditions{severity="warning"}`:                         1,
			`gourdian_conditions{severity="serious"}`:                         2,
			`gourdian_conditions{severity="info"}`:                            0,
			`gourdian_event_streams`:                                          1,
			`gourdian_model_info{bundle="` + strings.Repeat("ab", 32) + `",provider="cpu",trained_on="photos",variant="fp32"}`: 1,
		})
		pass(live.StaleAfter)
		expect(t, metricsOf(t, r), map[string]float64{`gourdian_frame_stale{camera="barn"}`: 1, `gourdian_frame_age_seconds{camera="barn"}`: 19})
	})
}

func TestMetricsOfABoardThatHasNothing(t *testing.T) {
	t.Parallel()
	got := metricsOf(t, newRig(t))
	expect(t, got, map[string]float64{`gourdian_frame_stale{camera="barn"}`: 1, `gourdian_sightings_recorded_total`: 0})
	for name := range got {
		for _, absent := range []string{"gourdian_frame_age", "gourdian_model_info", "gourdian_inference", "gourdian_worker_restarts"} {
			if strings.HasPrefix(name, absent) {
				t.Errorf("%s is given before there is any", name)
			}
		}
	}
}

// TestHostileNamesDoNotBreakTheMetrics: a source can't end a line or a label.
func TestHostileNamesDoNotBreakTheMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.UpdateCamera("barn", func(c *live.Camera) { c.Skips = map[string]uint64{"a\"\n\\evil_total 1": 1} })
	got := metricsOf(t, r)
	expect(t, got, map[string]float64{`gourdian_frames_skipped_total{camera="barn",reason="a\"\n\\evil_total 1"}`: 1})
}

func TestMetricsKeepThePrometheusRules(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(newBoardCollector(r.hub, r.server.streams, "1")); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		name, kind := family.GetName(), family.GetType().String()
		if strings.HasSuffix(name, "_total") != (kind == "COUNTER") {
			t.Errorf("%s is a %s", name, kind)
		}
		if !strings.HasSuffix(family.GetHelp(), ".") {
			t.Errorf("%s is not explained: %q", name, family.GetHelp())
		}
	}
}

package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/drift"
	"gourdian/cloud/internal/monitor"
	"gourdian/cloud/internal/people"
	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/wire"
)

// driftDays is when the field of the tests begins, in days since 1970.
const driftDays = 20_000

// watched is a console whose monitor has seen 30 days of two boards, then mud
// on the lens of one for some more.
func watched(t *testing.T, mud int) (*rig, *monitor.Monitor) {
	t.Helper()
	d := dbtest.SQLite(t)
	now := func() time.Time { return monitor.WholeDays().Begin(driftDays + 40) }
	m := monitor.New(monitor.Config{DB: d, Rules: drift.UsualRules(), Now: now, Log: slog.New(slog.DiscardHandler)})
	drifting := &Drift{Monitor: m, Now: now}
	r := newRig(t, drifting.Section())
	drifting.Console = r.console
	for day := range 30 + mud {
		for _, device := range []string{"b1", "b2"} {
			sharpness := 100 + float64((day*7+int(device[1]))%13)
			if device == "b2" && day >= 30 {
				sharpness = 5
			}
			tellDay(t, d, m, device, driftDays+day, sharpness)
		}
		if err := m.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return r, m
}

func tellDay(t *testing.T, d *db.DB, m *monitor.Monitor, device string, day int, sharpness float64) {
	t.Helper()
	sum := &sketch.Sketch{}
	for i := range 40 {
		one := sketch.Sight{Verdict: wire.Good, Probabilities: []float64{0.9, 0.1}, Novelty: 0.1,
			Look: quality.Report{Sharpness: sharpness + float64(i%5), Light: quality.Light{Mean: 120, P99: 200}}}
		if err := sum.Add(one); err != nil {
			t.Fatal(err)
		}
	}
	sketched := wire.CameraSketch{Camera: "north", Model: strings.Repeat("a", 64), Variant: "int8", Data: sum.Encode()}
	err := d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		at := monitor.WholeDays().Begin(day).Add(9 * time.Hour)
		err := m.Take(ctx, tx, device, wire.Summary{Epoch: "e", Hour: at, Sketches: []wire.CameraSketch{sketched}})
		return errors.Join(err, m.Take(ctx, tx, device, wire.Summary{Epoch: "e", Hour: monitor.WholeDays().Begin(day).Add(23 * time.Hour)}))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDriftPagesBeforeAnyDay(t *testing.T) {
	t.Parallel()
	r, _ := watched(t, -30)
	ana := r.in(t, "ana")
	has(t, ana.get("/health/drift"), "No camera has told of a whole day yet", "No picture of the random share has a label yet")
	has(t, ana.get("/health"), `href="/health/drift"`)
	for _, path := range []string{"/health/drift/nobody/north", "/health/alarms/1", "/health/alarms/x"} {
		if status, _, _ := ana.do(http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestDriftPagesOfAMuddiedLens(t *testing.T) {
	t.Parallel()
	r, m := watched(t, 3)
	open, err := m.Alarms(t.Context(), true, 10)
	if err != nil || len(open) != 1 || open[0].Device != "b2" || open[0].Reason != drift.Lens {
		t.Fatalf("%+v, %v", open, err)
	}
	ana := r.in(t, "ana")
	has(t, ana.get("/health/drift"), "The lens looks dirty", `href="/health/alarms/1"`, `href="/health/drift/b2/north"`, "as usual")
	has(t, ana.get("/health/drift?search=b1+nor"), `href="/health/drift/b1/north"`)
	hasNot(t, ana.get("/health/drift?search=b1+nor"), `href="/health/drift/b2/north"`)
	has(t, ana.get("/health/drift?search=zebra"), "No camera is called like that")
	has(t, ana.get("/health/drift/b2/north"), "Sharpness: below usual", "Brightness (0 to 255): as usual", "data-plot=", `href="/health/alarms/1"`)
	body := ana.get("/health/alarms/1")
	has(t, body, "Clean the lens", "No model is trained for this", "lower, by", "The board has sent no pictures", "Close the alarm")
	hasNot(t, body, `href="/label`)
	ana.post("/language", "language", "es", "next", "/")
	has(t, ana.get("/health/alarms/1"), "Limpie la lente", "más bajo")
	has(t, ana.get("/health/drift/b2/north"), "Nitidez: por debajo de lo normal")
}

func TestAlarmsAreChangedByWhoMay(t *testing.T) {
	t.Parallel()
	r, m := watched(t, 3)
	r.add(t, "vic", people.Viewer)
	r.add(t, "oli", people.Operator)
	vic, oli := r.in(t, "vic"), r.in(t, "oli")
	hasNot(t, vic.get("/health/alarms/1"), "Close the alarm")
	for _, path := range []string{"/health/alarms/1/acknowledge", "/health/alarms/1/close", "/health/drift/budget"} {
		if status, _, _ := vic.post(path, "outcome", "usual", "budget", "2"); status != http.StatusForbidden {
			t.Errorf("a viewer at %s: %d", path, status)
		}
	}
	if status, _, to := oli.post("/health/alarms/1/acknowledge"); status != http.StatusSeeOther || to != "/health/alarms/1" {
		t.Errorf("acknowledge: %d %s", status, to)
	}
	has(t, oli.get("/health/alarms/1"), "oli knows")
	if status, _, _ := oli.post("/health/alarms/1/close", "outcome", "<script>"); status != http.StatusNotFound {
		t.Errorf("an outcome that is none: %d", status)
	}
	oli.post("/health/alarms/1/close", "outcome", "mended")
	has(t, oli.get("/health/alarms/1"), "Closed: dealt with", "Closed by oli")
	oli.post("/health/alarms/1/close", "outcome", "usual")
	has(t, oli.get("/health/drift"), "The alarm was closed already", "Earlier alarms", "No alarm is open")
	if a, err := m.Alarm(t.Context(), 1); err != nil || a.Outcome != monitor.Mended || a.ChangedBy != "oli" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestTheBudgetOfFalseAlarmsIsTheAdmins(t *testing.T) {
	t.Parallel()
	r, m := watched(t, 0)
	ana := r.in(t, "ana")
	ana.post("/health/drift/budget", "budget", "2.5")
	has(t, ana.get("/health/drift"), "The number of false alarms is set", "ana chose that", `value="2.5"`)
	ana.post("/health/drift/budget", "budget", "1e9")
	has(t, ana.get("/health/drift"), "Between 0.1 and 10")
	if b, err := m.Budget(t.Context()); err != nil || b.FalseAlarms != 2.5 {
		t.Errorf("%+v, %v", b, err)
	}
	if lines, err := r.audit.List(t.Context(), 0, "", 1); err != nil || len(lines) != 1 || lines[0].Action != "drift.budget" {
		t.Errorf("%+v, %v", lines, err)
	}
}

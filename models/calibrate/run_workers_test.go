//go:build workers

package calibrate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/testbed"
	"gourdian/models/quantize"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(t *testing.T, workers int) Config {
	t.Helper()
	return Config{
		Rendered: 10, Seed: 5, Rule: Auto, Checkpoint: testbed.Checkpoint(t), Workers: workers,
		Infer:    infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t)},
		Camera:   capture.Options{Program: testbed.Program(t, capture.Program)},
		Progress: func(string, int) func() { return func() {} },
	}
}

// Two runs with one and with two workers must agree to the last digit, and a
// broken photo must cost itself only.
func TestMeasuringTwiceGivesTheSameRanges(t *testing.T) {
	t.Parallel()
	photos := t.TempDir()
	if err := os.WriteFile(filepath.Join(photos, "broken.jpg"), []byte("\xff\xd8\xff no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := config(t, 1)
	one.Data = photos
	ranges, report, err := Run(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Skipped) != 1 || report.Rendered != 10 || report.Photos != 0 || report.HeldOut != 2 || len(report.Tried) != 3 {
		t.Errorf("report %+v", report)
	}
	two := config(t, 2)
	two.Data = photos
	again, _, err := Run(t.Context(), two)
	if err != nil || !slices.Equal(again.Values, ranges.Values) || !slices.Equal(again.Notes, ranges.Notes) {
		t.Errorf("two workers measured other ranges, %v", err)
	}
	checkLite0(t, ranges)
	for _, trial := range report.Tried {
		if trial.Distance <= 0 || trial.Distance > 0.05 {
			t.Errorf("rule %s: a distance of %v", trial.Rule, trial.Distance)
		}
	}
}

// checkLite0 compares with what the network is known to do: everything behind a
// ReLU6 spans 0 to nearly 6, everything else lies on both sides of zero.
func checkLite0(t *testing.T, r quantize.Ranges) {
	t.Helper()
	if len(r.Values) != 58 {
		t.Errorf("%d values, expected 49 convolutions and 9 sums", len(r.Values))
	}
	for _, v := range r.Values {
		relu := v.Name == "stem" || v.Name == "features" || strings.HasSuffix(v.Name, "_expand") || strings.HasSuffix(v.Name, "_depthwise")
		switch {
		case relu && (v.Min != 0 || v.Max > 6 || v.Max < 2):
			t.Errorf("%+v does not look like a ReLU6", v)
		case !relu && (v.Min > -1 || v.Max < 1):
			t.Errorf("%+v does not lie on both sides of zero", v)
		}
	}
}

func TestTooFewPicturesToHoldAnyOut(t *testing.T) {
	t.Parallel()
	c := config(t, 1)
	c.Rendered, c.Data = 3, t.TempDir()
	if _, _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "at least 10") {
		t.Errorf("error %v", err)
	}
}

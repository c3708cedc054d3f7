package main

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/models/dataset"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

func TestTrainAndEvalRefuseWrongUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		want string
	}{
		{"train", "--data is missing"},
		{"train --data x --task sort --out " + dir + "/m", "choose grade or custom"},
		{"train --data x --task grade", "--out is missing"},
		{"train --data x --task grade --out " + dir, "is a folder"},
		{"train --data x --task grade --out " + dir + "/none/m", "there is no folder"},
		{"train --data x --task grade --folds 1 --out " + dir + "/m", "at least 2"},
		{"train --data x --task grade --map good --out " + dir + "/m", "write old=new"},
		{"train --dat x", "unknown flag"},
		{"train x", ""},
		{"eval --data x", "--bundle is missing"},
		{"eval --bundle x --data y --predictions " + dir + "/none/p.csv", "there is no folder"},
		{"eval --bundle x --data y --map =z", "write old=new"},
	} {
		var out, err bytes.Buffer
		code := run(t.Context(), &streams{out: &out, err: &err}, append([]string{"model"}, strings.Fields(c.args)...))
		if code != exitWrongUse || out.Len() != 0 || !strings.Contains(err.String(), c.want) {
			t.Errorf("model %s: exit code %d, output %q, errors %q", c.args, code, out.String(), err.String())
		}
	}
}

func TestTrainThatFailsLeavesNothingAndKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model := filepath.Join(dir, "old.gourdian")
	if err := os.WriteFile(model, []byte("the model before"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args := []string{"model", "train", "--data", filepath.Join(dir, "none"), "--task", "grade", "--out", model, "--json"}
	if code := run(t.Context(), &streams{out: &out, err: &errs}, args); code != exitFailed || out.Len() != 0 {
		t.Errorf("exit code %d, output %q, errors %q", code, out.String(), errs.String())
	}
	if data, err := os.ReadFile(model); err != nil || string(data) != "the model before" {
		t.Errorf("the model before is now %q, %v", data, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

func half() *float64 { return evaluate.Number(0.5) }

func TestTrainReportShowsEveryFigureWithItsInterval(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	report := &train.Report{
		Task: "grade", Bundle: "abc", Out: "m.gourdian", Folds: 5, C: 0.01,
		Data: train.DataReport{Kind: dataset.KindRendered, Images: 90, Groups: 80, Trimmed: 7, Skipped: make([]dataset.Skip, skipsShown+3)},
		Figures: evaluate.Figures{
			Accuracy: half(), AccuracyLow: half(), AccuracyHigh: half(), ClassOrder: []string{"good", "bad"},
			Classes:         map[string]evaluate.ClassFigure{"good": {Recall: half(), RecallLow: half(), RecallHigh: half(), Count: 40}, "bad": {}},
			Confusion:       [][]int{{30, 10}, {5, 45}},
			Unsure:          map[string]int{"novel": 3},
			OperatingPoints: []evaluate.OperatingPoint{{Class: "good", Against: "bad", Recall: evaluate.Interval{Value: 0.8, Low: 0.7, High: 0.9}, AUC: evaluate.Interval{Value: nan}}},
		},
		Deciding: train.DecidingReport{Thresholds: map[string]train.Threshold{"good": {Value: 0.7, Target: 0.9, Precision: 0.85, Calls: 20}}},
		Warnings: []string{"class \"bad\" has few pictures"},
	}
	var out bytes.Buffer
	if err := printTrainReport(&out, report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"rendered pumpkins only", "0.500 [0.500, 0.500]", "0.800 [0.700, 0.900]", "0.85 of 20, not 0.90",
		"3 unlike the training", "... and 3 more", "few pictures", "not earned its place", "7 pictures lost uniform bars",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("the report shows NaN:\n%s", out.String())
	}
}

func TestPredictionsHaveTheirColumns(t *testing.T) {
	t.Parallel()
	report := &evaluate.Report{All: []evaluate.Prediction{{File: "a,b.jpg", Class: "good", Predicted: "bad", Unsure: true, Probabilities: []float64{0.25, 0.75}}}}
	report.ClassOrder = []string{"good", "bad"}
	var out bytes.Buffer
	if err := writePredictions(&out, report); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("rows %v, %v", rows, err)
	}
	if got := strings.Join(rows[0], "|"); got != "file|class|predicted|unsure|p_good|p_bad" {
		t.Errorf("header = %s", got)
	}
	if got := strings.Join(rows[1], "|"); got != "a,b.jpg|good|bad|true|0.250000|0.750000" {
		t.Errorf("row = %s", got)
	}
}

func TestEvalReportOfNothingShowsNoFigures(t *testing.T) {
	t.Parallel()
	report := &evaluate.Report{Seen: 12, Unknown: map[string]evaluate.Unfamiliar{"hand": {Count: 3, Novel: 1, Unsure: 1}}, Warnings: []string{"no picture is left to measure"}}
	var out bytes.Buffer
	if err := printEvalReport(&out, report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"12 seen in training", "no picture is left", "hand", "accuracy"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Confusion") {
		t.Errorf("figures of nothing:\n%s", out.String())
	}
}

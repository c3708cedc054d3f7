package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/internal/vision"
)

func TestInspectTellsAPersonWhatMatters(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := ctl(t, "model", "inspect", goldenBundle)
	if code != exitDone {
		t.Fatal(stderr)
	}
	first, _, _ := strings.Cut(stdout, "\n")
	if first != "Trained on rendered pumpkins only: no accuracy on real fruit is known." {
		t.Errorf("the warning is not the first line: %q", first)
	}
	for _, want := range []string{
		"8bc8d37bac511b0401ec2309b396fad6bb16fc79c66f99de0c80b2d499a7e963", // its id
		"rendered pumpkins, 3 pictures in 2 groups",
		"which this program lacks (it has " + vision.PreprocessID(),
		"buena", "mala",
		"variant fp32", "variant int8",
		"golden frames", "graphs/fp32.onnx",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
}

func TestInspectAsJSON(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := ctl(t, "model", "inspect", goldenBundle, "--json")
	var got inspectReport
	if err := decodeOne(stdout, &got); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v, %s", code, err, stderr)
	}
	if got.Task != "grade" || len(got.Classes) != 2 || got.Classes[0].Labels["es"] != "buena" || got.GoldenFrames != 1 || len(got.Files) != 6 {
		t.Errorf("%+v", got)
	}
	if got.TrainedOn.Kind != "rendered" || got.TrainedOn.Hashes != 2 || !strings.Contains(got.TrainedOn.Warning, "no accuracy on real fruit") {
		t.Errorf("trained on %+v", got.TrainedOn)
	}
	if got.Preprocess.Supported || got.Preprocess.Here != vision.PreprocessID() {
		t.Errorf("preprocessing %+v", got.Preprocess)
	}
	v := got.Variants[0]
	if len(got.Variants) != 2 || v.Name != "fp32" || v.Temperature != 1.25 || v.Thresholds["bad"] != 0.9 || v.References != 3 || v.Neighbours != 2 || v.GoldenTolerance["any"] != 0.001 {
		t.Errorf("variant %+v", v)
	}
}

func TestInspectRefusesAChangedModel(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(goldenBundle)
	if err != nil {
		t.Fatal(err)
	}
	data[strings.Index(string(data), "a graph")]++
	path := filepath.Join(t.TempDir(), "changed.gourdian")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := ctl(t, "model", "inspect", path, "--json")
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "wrong hash: graphs/fp32.onnx") {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout, stderr)
	}
}

func TestOnlyPhotosComeWithoutAWarning(t *testing.T) {
	t.Parallel()
	for kind, warns := range map[string]bool{"rendered": true, "mixed": true, "photos": false} {
		if got := trainingWarning(kind); (got != "") != warns {
			t.Errorf("%s: warning %q", kind, got)
		}
	}
}

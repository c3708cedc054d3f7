package bundle

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden bundle of the current format anew")

// goldenID is the id of testdata/format1.gourdian. A board that was sold with
// format 1 must read it for ever, so neither ever changes.
const goldenID = "8bc8d37bac511b0401ec2309b396fad6bb16fc79c66f99de0c80b2d499a7e963"

func TestGoldenBundleOfFormat1(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "format1.gourdian")
	m, files := sample(t)
	data, id := build(t, m, files)
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.ID != goldenID {
		t.Errorf("id of the golden bundle is %s, was %s", b.ID, goldenID)
	}
	params, err := b.VerdictParams("fp32")
	if err != nil {
		t.Fatal(err)
	}
	if params.Temperature != 1.25 || params.References.Dim != 4 || params.References.K != 2 || params.References.Rows[0] != 127 || params.Thresholds[1] != 0.9 {
		t.Errorf("parameters %+v", params)
	}
	if b.Manifest.Classes[1].Labels["es"] != "mala" || b.Manifest.Golden[0].Expected["fp32"][1] != -0.1 {
		t.Errorf("manifest %+v", b.Manifest)
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if id != goldenID || !bytes.Equal(data, golden) {
		t.Errorf("the same inputs give another bundle today: id %s, was %s", id, goldenID)
	}
}

package field

import (
	"context"
	"encoding/csv"
	"errors"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// folder reads all files of a dataset.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDatasetIsTheSameWithAnyNumberOfWorkers(t *testing.T) {
	t.Parallel()
	var sets []map[string]string
	for _, workers := range []int{1, 3} {
		dir := filepath.Join(t.TempDir(), "set")
		calls := 0
		err := WriteDataset(t.Context(), Options{Dir: dir, Count: 10, Seed: 9, Size: 64, Workers: workers}, func(done, total int) {
			calls++
			if done != calls || total != 10 {
				t.Errorf("progress %d of %d at call %d", done, total, calls)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if calls != 10 {
			t.Errorf("%d calls of progress", calls)
		}
		sets = append(sets, folder(t, dir))
	}
	if len(sets[0]) != 12 {
		t.Errorf("%d files", len(sets[0]))
	}
	for name, data := range sets[0] {
		if sets[1][name] != data {
			t.Errorf("%s differs", name)
		}
	}
}

func TestManifestNamesEveryPictureAndSharesGroupsByPlant(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "set")
	if err := WriteDataset(t.Context(), Options{Dir: dir, Count: 12, Seed: 2, Size: 64}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	groups, classes := make(map[string]string), make(map[string]int)
	for _, row := range rows[1:] {
		file, class, group := row[0], row[1], row[2]
		if old, ok := groups[group]; ok && old != class {
			t.Errorf("group %s has two classes", group)
		}
		groups[group] = class
		classes[class]++
		checkJPEG(t, filepath.Join(dir, file), 64)
		if filepath.Dir(file) != class {
			t.Errorf("%s lies in the wrong folder for %s", file, class)
		}
	}
	if len(rows) != 13 || len(classes) != 4 || len(groups) >= 12 {
		t.Errorf("%d rows, classes %v, %d groups", len(rows), classes, len(groups))
	}
}

func checkJPEG(t *testing.T, name string, side int) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	im, err := jpeg.Decode(f)
	if err != nil || im.Bounds().Dx() != side || im.Bounds().Dy() != side {
		t.Errorf("%s: %v", name, err)
	}
}

func TestInterruptedDatasetLeavesNothing(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	err := WriteDataset(ctx, Options{Dir: filepath.Join(parent, "set"), Count: 40, Size: 64, Workers: 2}, func(done, _ int) {
		if done == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDatasetNeverTouchesAFullFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine := filepath.Join(dir, "photo.jpg")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteDataset(t.Context(), Options{Dir: dir, Count: 1, Size: 64}, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	if data, _ := os.ReadFile(mine); string(data) != "mine" {
		t.Error("the photo is gone")
	}
}

func TestDatasetRefusesWrongOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no folder":      {Count: 1},
		"no pictures":    {Dir: "x"},
		"tiny":           {Dir: "x", Count: 1, Size: 8},
		"negative views": {Dir: "x", Count: 1, Views: -1},
		"negative share": {Dir: "x", Count: 1, Mix: map[Class]float64{Good: -1}},
		"unknown class":  {Dir: "x", Count: 1, Mix: map[Class]float64{"great": 1}},
		"empty mix":      {Dir: "x", Count: 1, Mix: map[Class]float64{Good: 0}},
	} {
		if err := WriteDataset(t.Context(), o, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCountsAddUpWhateverTheMix(t *testing.T) {
	t.Parallel()
	for n := 1; n < 40; n++ {
		o := Options{Dir: "x", Count: n}
		if err := o.fill(); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, c := range o.counts() {
			sum += c
		}
		if sum != n || len(o.plan()) != n {
			t.Errorf("%d pictures planned for %d", sum, n)
		}
	}
}

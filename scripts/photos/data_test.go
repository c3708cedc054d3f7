package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/internal/vision"
)

func TestSourcesStayTogetherAndTheMixedOneIsLeftToNearDuplicates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		photo        photo
		class, group string
	}{
		{photo{class: "pumpkin_group", source: mixed}, "pumpkin", ""},
		{photo{class: "pumpkin_whole", source: "someone/farm"}, "pumpkin", "someone/farm"},
		{photo{class: "unrelated", source: "someone/farm"}, "unrelated", "someone/farm"},
		{photo{class: "pumpkin_carved", source: mixed}, "", ""},
	} {
		if class, group := bySource(c.photo); class != c.class || group != c.group {
			t.Errorf("%+v: class %q, group %q", c.photo, class, group)
		}
	}
}

func TestPreparedSetHoldsWhatWasSortedAndNothingOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	b := &bench{data: t.TempDir(), work: t.TempDir()}
	write(t, filepath.Join(b.data, "pumpkins", manifest), "boxes,file,class,source_repo\n\"1 2;3 4\",a/1.jpg,watermelon,x/y\n,b/2.jpg,pumpkin_cut,x/y\n")
	write(t, filepath.Join(b.data, "pumpkins", "a", "1.jpg"), "one")
	write(t, filepath.Join(b.work, "pumpkins", "old.jpg"), "old")
	out, err := b.pumpkinSet()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile(filepath.Join(out, manifest))
	if err != nil || string(rows) != "file,class,group\na/1.jpg,watermelon,x/y\n" {
		t.Errorf("manifest %q, %v", rows, err)
	}
	if data, err := os.ReadFile(filepath.Join(out, "a", "1.jpg")); err != nil || string(data) != "one" {
		t.Errorf("photo %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(out, "old.jpg")); err == nil {
		t.Error("a photo of an earlier run is still there")
	}
}

func TestShrunkPhotosKeepTheirShapeAndMeans(t *testing.T) {
	t.Parallel()
	img := vision.New(400, 200)
	for i := range img.Pix {
		img.Pix[i] = uint8(200 * (i / 3 % 2)) // columns of 0 and 200
	}
	small := shrink(img, 100)
	if small.W != 100 || small.H != 50 || !bytes.Equal(small.Pix, bytes.Repeat([]byte{100}, 3*100*50)) {
		t.Errorf("%dx%d, first pixel %v", small.W, small.H, small.Pix[:3])
	}
	if same := shrink(small, 100); same.W != 100 || same.H != 50 {
		t.Error("a small photo was changed")
	}
}

func TestWithoutPhotosTheCommandSaysHowToNameThem(t *testing.T) {
	t.Parallel()
	b := &bench{data: t.TempDir(), work: t.TempDir()}
	if err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "make photos DATA=DIR") {
		t.Errorf("error %v", err)
	}
}

func TestAFigureThatFallsShortIsAnError(t *testing.T) {
	t.Parallel()
	b := &bench{}
	b.reach("one", 0.99, 0.99)
	if len(b.short) != 0 {
		t.Errorf("short: %q", b.short)
	}
	b.reach("two", 0.98, 0.99)
	b.reach("three", math.NaN(), 0.99)
	if len(b.short) != 2 {
		t.Errorf("short: %q", b.short)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

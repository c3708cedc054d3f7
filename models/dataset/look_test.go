package dataset

import (
	"math/bits"
	"reflect"
	"testing"

	"gourdian/internal/vision"
)

// paint makes a picture whose pixel (x, y) is at(x, y) in all three channels.
func paint(w, h int, at func(x, y int) uint8) vision.Image {
	img := vision.Image{W: w, H: h, Pix: make([]uint8, 3*w*h)}
	for i := range img.Pix {
		img.Pix[i] = at(i/3%w, i/3/w)
	}
	return img
}

func TestTrimBars(t *testing.T) {
	t.Parallel()
	texture := func(x, y int) uint8 { return uint8(60 + (7*x+13*y)%90) }
	for name, c := range map[string]struct {
		at    func(x, y int) uint8
		w, h  int
		wantW int
		wantH int
	}{
		"none":             {texture, 100, 80, 100, 80},
		"white above":      {func(x, y int) uint8 { return pick(y < 10, 250, texture(x, y)) }, 100, 80, 100, 70},
		"white left right": {func(x, y int) uint8 { return pick(x < 10 || x >= 95, 255, texture(x, y)) }, 100, 80, 85, 80},
		"black letterbox":  {func(x, y int) uint8 { return pick(y < 9 || y >= 71, 4, texture(x, y)) }, 100, 80, 100, 62},
		"all four":         {func(x, y int) uint8 { return pick(x < 9 || y >= 71, 255, texture(x, y)) }, 100, 80, 91, 71},
		"one line is none": {func(x, y int) uint8 { return pick(y < 1, 255, texture(x, y)) }, 100, 80, 100, 80},
		"grey is no bar":   {func(x, y int) uint8 { return pick(y < 10, 128, texture(x, y)) }, 100, 80, 100, 80},
		"specks":           {func(x, y int) uint8 { return pick(y < 10 && x != 40, 255, texture(x, y)) }, 100, 80, 100, 70},
		"all white":        {func(x, y int) uint8 { return 255 }, 100, 80, 100, 80},
		"little left":      {func(x, y int) uint8 { return pick(y < 70, 255, texture(x, y)) }, 100, 80, 100, 80},
	} {
		img := paint(c.w, c.h, c.at)
		got, cut := TrimBars(img)
		if got.W != c.wantW || got.H != c.wantH || len(got.Pix) != 3*got.W*got.H {
			t.Errorf("%s: %dx%d with %d bytes, want %dx%d", name, got.W, got.H, len(got.Pix), c.wantW, c.wantH)
		}
		if want := c.wantW != c.w || c.wantH != c.h; cut != want {
			t.Errorf("%s: cut = %v", name, cut)
		}
	}
}

func pick(yes bool, a, b uint8) uint8 {
	if yes {
		return a
	}
	return b
}

func TestCropStaysInsideThePicture(t *testing.T) {
	t.Parallel()
	img := paint(10, 8, func(x, y int) uint8 { return uint8(10*y + x) })
	got, err := Crop{7, 6, 9, 9}.Cut(img)
	if err != nil || got.W != 3 || got.H != 2 || got.Pix[0] != 67 {
		t.Errorf("crop = %+v, %v", got, err)
	}
	if whole, err := (Crop{}).Cut(img); err != nil || whole.W != 10 {
		t.Errorf("zero crop = %+v, %v", whole, err)
	}
	if _, err := (Crop{20, 0, 5, 5}).Cut(img); err == nil {
		t.Error("a crop outside the picture gave no error")
	}
	for _, wrong := range []string{"1 2 3", "a b c d", "0 0 0 5", "1e300 0 1 1", "0 0 NaN 1"} {
		if c, err := ParseCrop(wrong); err == nil {
			t.Errorf("ParseCrop(%q) = %v", wrong, c)
		}
	}
}

func TestDHashKnowsAPictureAgainAndNoOther(t *testing.T) {
	t.Parallel()
	tensor := func(at func(x, y int) uint8) vision.Tensor {
		return vision.Tensor(paint(vision.Size, vision.Size, at).Pix)
	}
	a := DHash(tensor(func(x, y int) uint8 { return uint8((x*x + 3*y) / 250) }))
	brighter := DHash(tensor(func(x, y int) uint8 { return uint8((x*x+3*y)/250 + 20) }))
	other := DHash(tensor(func(x, y int) uint8 { return uint8(255 - (x*x+3*y)/250) }))
	if a != brighter {
		t.Errorf("a brighter copy differs in %d bits", bits.OnesCount64(a^brighter))
	}
	if d := bits.OnesCount64(a ^ other); d < 32 {
		t.Errorf("the negative differs in %d bits only", d)
	}
}

func TestClusterMergesNearDuplicatesOfOneSourceOnly(t *testing.T) {
	t.Parallel()
	up, side := []float32{1, 0}, []float32{0, 1}
	looks := []Look{
		{Source: "a", Hash: 0b000, Embedding: up},
		{Source: "a", Hash: 0xffff << 40, Embedding: up},                   // far by hash
		{Source: "a", Hash: 0b111, Embedding: up},                          // near 0
		{Source: "a", Hash: 0b1111111, Embedding: up},                      // near 2, chained to 0
		{Source: "b", Hash: 0b000, Embedding: up},                          // other source: suspect
		{Source: "a", Hash: 0b001, Embedding: side},                        // near by hash only
		{Source: "a", Hash: 0b001, Embedding: up, Group: "g1"},             // given: final, suspect
		{Source: "a", Hash: 0xffff << 20, Embedding: side, Group: "g1"},    // same given group
		{Source: "c", Hash: 0xffff << 20, Embedding: side, Group: "g2"},    // near it, other given group
		{Source: "a", Hash: 0b111, Embedding: []float32{1, 0.1}},           // cosine 0.995
		{Source: "zero", Hash: 0xabcdef << 30, Embedding: []float32{0, 0}}, // no direction at all
	}
	groups, suspects := Cluster(looks)
	want := []int{0, 1, 0, 0, 2, 3, 4, 4, 5, 0, 6}
	if !reflect.DeepEqual(groups, want) {
		t.Errorf("groups = %v, want %v", groups, want)
	}
	wantSuspects := []Pair{{0, 4}, {0, 6}, {2, 4}, {2, 6}, {3, 6}, {4, 6}, {4, 9}, {6, 9}, {7, 8}}
	if !reflect.DeepEqual(suspects, wantSuspects) {
		t.Errorf("suspects = %v, want %v", suspects, wantSuspects)
	}
}

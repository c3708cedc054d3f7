package vision

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestToLumaSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, shorter, wantW, wantH int }{
		{1280, 720, 120, 213, 120}, {720, 1280, 120, 120, 213}, {100, 80, 120, 100, 80},
		{1, 1, 120, 1, 1}, {1, 9000, 120, 1, 9000}, {300, 300, 0, 1, 1}, {5000, 200, 100, 2500, 100},
	} {
		l := ToLuma(synthetic(c.w, c.h, 1), c.shorter)
		if l.W != c.wantW || l.H != c.wantH || len(l.Pix) != l.W*l.H {
			t.Errorf("%dx%d at %d: %dx%d with %d bytes", c.w, c.h, c.shorter, l.W, l.H, len(l.Pix))
		}
	}
}

func TestToLumaKeepsConstantsAndMeans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		img := New(rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h"))
		grey := rapid.Byte().Draw(t, "grey")
		for i := range img.Pix {
			img.Pix[i] = grey
		}
		for _, v := range ToLuma(img, 50).Pix {
			if v != grey {
				t.Fatalf("grey %d became %d", grey, v)
			}
		}
	})
	img := synthetic(1280, 720, 2)
	full := ToLuma(img, 720)
	if d := math.Abs(mean(full.Pix) - mean(ToLuma(img, 120).Pix)); d > 0.5 {
		t.Errorf("mean moved by %.2f levels", d)
	}
}

func TestTensorGreyAndHalf(t *testing.T) {
	t.Parallel()
	tensor := make(Tensor, TensorLen)
	copy(tensor, []uint8{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255})
	grey := tensor.Grey()
	for i, want := range []uint8{77, 149, 29, 255, 0} {
		if grey.Pix[i] != want {
			t.Errorf("pixel %d: %d, want %d", i, grey.Pix[i], want)
		}
	}
	half := grey.Half()
	if half.W != ZoneLumaSide || half.H != ZoneLumaSide || half.Pix[0] != (77+149+2)/4 {
		t.Errorf("half is %dx%d, first pixel %d", half.W, half.H, half.Pix[0])
	}
	if odd := (Luma{W: 3, H: 1, Pix: make([]uint8, 3)}).Half(); odd.W != 1 || odd.H != 0 || len(odd.Pix) != 0 {
		t.Errorf("3x1 halved is %dx%d", odd.W, odd.H)
	}
}

func TestCrop(t *testing.T) {
	t.Parallel()
	img := synthetic(20, 10, 1)
	for name, c := range map[string]struct{ x, y, w, h, wantW, wantH int }{
		"inside": {3, 4, 5, 6, 5, 6}, "over the edge": {15, 8, 10, 10, 5, 2}, "before the corner": {-3, -3, 5, 5, 2, 2},
		"outside": {30, 0, 5, 5, 0, 0}, "no width": {1, 1, 0, 5, 0, 0}, "negative": {5, 5, -2, 3, 0, 0},
	} {
		got := Crop(img, c.x, c.y, c.w, c.h)
		if got.W != c.wantW || got.H != c.wantH || len(got.Pix) != 3*got.W*got.H {
			t.Errorf("%s: %dx%d, %d bytes", name, got.W, got.H, len(got.Pix))
		}
	}
	if got := Crop(img, 3, 4, 5, 6); got.Pix[0] != img.Pix[3*(4*20+3)] || got.Pix[len(got.Pix)-1] != img.Pix[3*(9*20+7)+2] {
		t.Error("crop holds other pixels")
	}
}

package vision

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// reference is the same triangle in floating point, written the slow way.
func reference(img Image, z Zone) []float64 {
	x0, y0, side := z.Square(img.W, img.H)
	weights := func(out int) []float64 {
		scale := float64(side) / Size
		reach := math.Max(scale, 1)
		centre := (float64(out) + 0.5) * scale
		w, sum := make([]float64, side), 0.0
		for j := range w {
			w[j] = math.Max(0, 1-math.Abs(float64(j)+0.5-centre)/reach)
			sum += w[j]
		}
		for j := range w {
			w[j] /= sum
		}
		return w
	}
	all := make([][]float64, Size)
	for i := range all {
		all[i] = weights(i)
	}
	out := make([]float64, TensorLen)
	for oy := range Size {
		for ox := range Size {
			for j, wy := range all[oy] {
				for i, wx := range all[ox] {
					if wx*wy == 0 {
						continue
					}
					at := 3 * ((y0+j)*img.W + x0 + i)
					for c := range 3 {
						out[3*(oy*Size+ox)+c] += wx * wy * float64(img.Pix[at+c])
					}
				}
			}
		}
	}
	return out
}

func TestPrepareMeetsTheTriangleInFloatingPoint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		w, h int
		zone Zone
	}{
		{320, 180, Zone{}}, {224, 224, Zone{}}, {225, 223, Zone{}}, {500, 333, Zone{}},
		{640, 480, Zone{X: 3000, Y: 1000, Side: 5001}}, {31, 77, Zone{}}, {1, 1, Zone{}}, {2, 900, Zone{}},
	} {
		t.Run(fmt.Sprintf("%dx%d", c.w, c.h), func(t *testing.T) {
			t.Parallel()
			img := synthetic(c.w, c.h, 9)
			got := make(Tensor, TensorLen)
			if err := Prepare(got, img, c.zone); err != nil {
				t.Fatal(err)
			}
			for i, want := range reference(img, c.zone) {
				if math.Abs(float64(got[i])-want) > 0.6 { // half a level for rounding, the rest for the weights
					t.Fatalf("byte %d is %d, want %.2f", i, got[i], want)
				}
			}
		})
	}
}

func TestPrepareKeepsAConstantPictureConstant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		img := New(rapid.IntRange(1, 400).Draw(t, "w"), rapid.IntRange(1, 400).Draw(t, "h"))
		colour := rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "colour")
		for i := range img.Pix {
			img.Pix[i] = colour[i%3]
		}
		got := make(Tensor, TensorLen)
		if err := Prepare(got, img, drawZone(t)); err != nil {
			t.Fatal(err)
		}
		if want := bytes.Repeat(colour, Size*Size); !bytes.Equal(got, want) {
			t.Fatal("a picture of one colour came out with another")
		}
	})
}

func TestPreparePreservesTheMean(t *testing.T) {
	t.Parallel()
	for _, side := range []int{224, 448, 500, 720, 1000} {
		img := synthetic(side, side, 3)
		got := make(Tensor, TensorLen)
		if err := Prepare(got, img, Zone{}); err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(mean(got) - mean(img.Pix)); d > 0.3 {
			t.Errorf("side %d: mean moved by %.2f levels", side, d)
		}
	}
}

func TestPrepareCopiesASquareOfTheSameSize(t *testing.T) {
	t.Parallel()
	img := synthetic(Size, Size, 5)
	got := make(Tensor, TensorLen)
	if err := Prepare(got, img, Zone{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, img.Pix) {
		t.Error("a 224x224 picture was changed")
	}
}

func TestResizerForgetsTheLastPicture(t *testing.T) {
	t.Parallel()
	var reused Resizer
	a, b := make(Tensor, TensorLen), make(Tensor, TensorLen)
	for i, size := range [][2]int{{900, 700}, {30, 20}, {1280, 720}, {1, 5000}, {720, 1280}} {
		img := synthetic(size[0], size[1], uint64(i))
		if err := reused.Prepare(a, img, Zone{}); err != nil {
			t.Fatal(err)
		}
		if err := Prepare(b, img, Zone{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%v: a reused Resizer differs from a new one", size)
		}
	}
}

func TestResizerAllocatesNothingInSteadyState(t *testing.T) {
	var r Resizer
	img, dst := synthetic(640, 480, 1), make(Tensor, TensorLen)
	if err := r.Prepare(dst, img, Zone{}); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(3, func() { _ = r.Prepare(dst, img, Zone{}) }); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}

func TestPrepareRefusesPicturesThatLie(t *testing.T) {
	t.Parallel()
	for name, img := range map[string]Image{
		"empty":     {},
		"too short": {W: 10, H: 10, Pix: make([]uint8, 299)},
		"too long":  {W: 10, H: 10, Pix: make([]uint8, 301)},
		"negative":  {W: -1, H: -1, Pix: make([]uint8, 3)},
	} {
		if err := Prepare(make(Tensor, TensorLen), img, Zone{}); !errors.Is(err, ErrBadImage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Prepare(make(Tensor, 5), New(4, 4), Zone{}); !errors.Is(err, ErrBadImage) {
		t.Errorf("short tensor: %v", err)
	}
}

func TestWeightsAddUpToOneForEverySide(t *testing.T) {
	t.Parallel()
	var r Resizer
	for side := 1; side <= 6000; side += 1 + side/50 {
		r.plan(side)
		for out := range Size {
			sum := uint64(0)
			for _, w := range r.weights[r.offset[out]:][:r.taps[out]] {
				sum += w
			}
			if sum != 1<<weightBits || r.first[out]+r.taps[out] > side {
				t.Fatalf("side %d, output %d: weights add up to %d, pixels %d to %d", side, out, sum, r.first[out], r.first[out]+r.taps[out])
			}
		}
	}
}

// The golden value changes only together with what every model was trained on:
// a new version in the id, new bundles, and a note in docs/adr.
func TestPreprocessIDIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	const golden = "square-triangle-224/1-0efaccc78223"
	if got := PreprocessID(); got != golden {
		t.Errorf("preprocessing is %s, want %s: this build would feed models other bytes than they were trained on", got, golden)
	}
}

func mean(b []uint8) float64 {
	sum := 0.0
	for _, v := range b {
		sum += float64(v)
	}
	return sum / float64(len(b))
}

func drawZone(t *rapid.T) Zone {
	part := rapid.IntRange(-20000, 20000)
	return Zone{X: part.Draw(t, "x"), Y: part.Draw(t, "y"), Side: part.Draw(t, "side")}
}

func BenchmarkPrepare720p(b *testing.B) {
	var r Resizer
	img, dst := synthetic(1280, 720, 1), make(Tensor, TensorLen)
	for b.Loop() {
		_ = r.Prepare(dst, img, Zone{})
	}
}

func BenchmarkToLuma720p(b *testing.B) {
	img := synthetic(1280, 720, 1)
	for b.Loop() {
		ToLuma(img, 120)
	}
}

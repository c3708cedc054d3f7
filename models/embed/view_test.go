package embed

import (
	"bytes"
	"math"
	"testing"

	"gourdian/internal/vision"
)

// wide paints a picture with a bright left and a dark right half.
func wide(w, h int) vision.Image {
	img := vision.New(w, h)
	for i := range w * h {
		v := uint8(60 + (i*7)%40)
		if i%w < w/2 {
			v += 100
		}
		img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = v, v/2, 30
	}
	return img
}

func see(t *testing.T, img vision.Image, view View, hash byte) vision.Tensor {
	t.Helper()
	var p Painter
	out := make(vision.Tensor, vision.TensorLen)
	if err := p.Draw(out, img, view, [32]byte{hash}); err != nil {
		t.Fatal(err)
	}
	return out
}

// half is the mean of the left or right half of the red channel.
func half(t vision.Tensor, right bool) float64 {
	sum := 0.0
	for i := 0; i < len(t); i += 3 {
		if (i/3%vision.Size >= vision.Size/2) == right {
			sum += float64(t[i])
		}
	}
	return sum / (vision.Size * vision.Size / 2)
}

func TestPlainViewIsThePreprocessingOfTheBoard(t *testing.T) {
	t.Parallel()
	img := wide(300, 200)
	want := make(vision.Tensor, vision.TensorLen)
	if err := vision.Prepare(want, img, vision.Zone{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(see(t, img, Plain, 1), want) {
		t.Error("the plain view is not what a board sees")
	}
}

func TestViewsFollowThePictureAndItsHashOnly(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{300, 200}, {64, 64}, {20, 90}, {1, 1}, {2000, 30}} {
		img := wide(size[0], size[1])
		for _, view := range TrainingViews() {
			if !bytes.Equal(see(t, img, view, 9), see(t, img, view, 9)) {
				t.Errorf("%v %s: two looks differ", size, view)
			}
		}
	}
	var p Painter
	if err := p.Draw(make(vision.Tensor, vision.TensorLen), wide(8, 8), "other/1", [32]byte{}); err == nil {
		t.Error("an unknown view was drawn")
	}
}

func TestMirroredSwapsSidesAndChangesLightWithinItsLimits(t *testing.T) {
	t.Parallel()
	img := wide(300, 200)
	plain := see(t, img, Plain, 0)
	for hash := range byte(20) {
		m := see(t, img, Mirrored, hash)
		gain := half(m, true) / half(plain, false)
		if half(m, true) < half(m, false) || gain < 0.72 || gain > 1.31 {
			t.Errorf("hash %d: left %v, right %v, gain %v", hash, half(m, false), half(m, true), gain)
		}
	}
}

func TestCoarseLosesDetailAndKeepsBrightness(t *testing.T) {
	t.Parallel()
	img := vision.New(448, 448)
	for i := range 448 * 448 { // stripes of one pixel
		if i%2 == 0 {
			img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = 255, 255, 255
		}
	}
	coarse := see(t, img, Coarse, 3)
	sum, squares := 0.0, 0.0
	for _, v := range coarse {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	mean := sum / vision.TensorLen
	if deviation := math.Sqrt(squares/vision.TensorLen - mean*mean); math.Abs(mean-127.5) > 3 || deviation > 20 {
		t.Errorf("mean %v, deviation %v", mean, deviation)
	}
}

func TestColourAndSizeDescribesAnOrangeDiskOnGreen(t *testing.T) {
	t.Parallel()
	tensor := make(vision.Tensor, vision.TensorLen)
	for i := range vision.Size * vision.Size {
		x, y := i%vision.Size-112, i/vision.Size-112
		colour := [3]uint8{20, 120, 20}
		if x*x+y*y < 70*70 {
			colour = [3]uint8{230, 100, 10}
		}
		copy(tensor[3*i:], colour[:])
	}
	f := ColourAndSize(tensor)
	area := math.Pi * 70 * 70 / (vision.Size * vision.Size)
	near := func(what string, got float32, want, within float64) {
		if math.Abs(float64(got)-want) > within {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	near("red", f[0], area*230/255+(1-area)*20/255, 0.01)
	near("orange share", f[6], area, 0.01)   // hues 0 to 30 degrees
	near("green share", f[10], 1-area, 0.01) // hues 120 to 150
	near("extent", f[21], area, 0.01)
	near("width", f[22], 140.0/224, 0.03)
	near("height", f[23], 140.0/224, 0.03)
}

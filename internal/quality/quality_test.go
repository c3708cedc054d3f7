package quality

import (
	"math"
	"math/rand/v2"
	"testing"

	"gourdian/internal/vision"
)

// texture is a field of smooth spots: soft in itself, but in focus.
func texture(seed uint64, w, h int) vision.Image {
	random := rand.New(rand.NewPCG(seed, 0))
	img := vision.New(w, h)
	for i := range img.Pix {
		x, y := float64(i/3%w), float64(i/3/w)
		img.Pix[i] = uint8(128 + 50*math.Sin(x/7+float64(seed))*math.Cos(y/5) + 30*random.Float64())
	}
	return img
}

func tensor(t testing.TB, img vision.Image) vision.Tensor {
	t.Helper()
	out := make(vision.Tensor, vision.TensorLen)
	if err := vision.Prepare(out, img, vision.Zone{}); err != nil {
		t.Fatal(err)
	}
	return out
}

// defocus shrinks and enlarges again: what a lens out of focus loses.
func defocus(t testing.TB, img vision.Image, factor int) vision.Image {
	t.Helper()
	small := vision.New(img.W/factor, img.H/factor)
	for y := range small.H {
		for x := range small.W {
			for c := range 3 {
				sum := 0
				for i := range factor * factor {
					sum += int(img.Pix[3*((y*factor+i/factor)*img.W+x*factor+i%factor)+c])
				}
				small.Pix[3*(y*small.W+x)+c] = uint8(sum / (factor * factor))
			}
		}
	}
	return small // Prepare enlarges it smoothly
}

func dimmed(img vision.Image, percent int) vision.Image {
	out := vision.New(img.W, img.H)
	for i, v := range img.Pix {
		out.Pix[i] = uint8(int(v) * percent / 100)
	}
	return out
}

func TestAssessNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	sharp := texture(1, 448, 448)
	plain := vision.New(224, 224)
	white := vision.New(224, 224)
	for i := range plain.Pix {
		plain.Pix[i], white.Pix[i] = 140, 252
	}
	type flags struct{ blurred, dark, bright, night bool }
	for name, c := range map[string]struct {
		img  vision.Image
		want flags
	}{
		"sharp":         {sharp, flags{}},
		"out of focus":  {defocus(t, sharp, 28), flags{blurred: true}},
		"plain surface": {plain, flags{blurred: true}},
		"dusk":          {dimmed(sharp, 30), flags{dark: true}},
		"night":         {dimmed(sharp, 8), flags{dark: true, night: true}},
		"black":         {vision.New(224, 224), flags{dark: true, night: true}},
		"burned out":    {white, flags{blurred: true, bright: true}},
	} {
		r := AssessTensor(tensor(t, c.img))
		if got := (flags{r.Blurred, r.Dark, r.Bright, r.Night}); got != c.want {
			t.Errorf("%s: %+v, want %+v (sharpness %.1f, light %+v)", name, got, c.want, r.Sharpness, r.Light)
		}
		if r.Sound() != (c.want == flags{}) {
			t.Errorf("%s: sound is %v", name, r.Sound())
		}
	}
}

func TestSharpnessFallsWithBlur(t *testing.T) {
	t.Parallel()
	last := math.Inf(1)
	for _, factor := range []int{2, 4, 8, 16} {
		s := Sharpness(tensor(t, defocus(t, texture(2, 448, 448), factor)))
		if s >= last {
			t.Errorf("shrunk by %d: %.1f, not below %.1f", factor, s, last)
		}
		last = s
	}
}

// By hand: one white pixel on black has a Laplacian of -4*255 at itself and of
// 255 at its four neighbours, 0 elsewhere.
func TestSharpnessOfOneWhitePixel(t *testing.T) {
	t.Parallel()
	one := make(vision.Tensor, vision.TensorLen)
	at := 3 * (100*vision.Size + 100)
	one[at], one[at+1], one[at+2] = 255, 255, 255
	n := float64((vision.Size - 2) * (vision.Size - 2))
	want := 20 * 255 * 255 / n // the mean is 0
	if got := Sharpness(one); math.Abs(got-want) > 1e-9 {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	l := vision.Luma{W: 10, H: 10, Pix: make([]uint8, 100)}
	for i := range l.Pix {
		l.Pix[i] = uint8(i)
	}
	l.Pix[99] = 255
	want := Light{Mean: (99*98/2 + 255) / 100.0, P5: 4, P99: 98, Black: 0.06, Burned: 0.01}
	if got := Measure(l); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Measure(vision.Luma{}); got != (Light{}) {
		t.Errorf("empty picture: %+v", got)
	}
}

// patches is a scene of 9 x 8 random greys.
func patches(seed uint64, w, h int) vision.Image {
	random := rand.New(rand.NewPCG(seed, 1))
	var greys [72]uint8
	for i := range greys {
		greys[i] = uint8(random.UintN(256))
	}
	img := vision.New(w, h)
	for i := range img.Pix {
		x, y := i/3%w, i/3/w
		img.Pix[i] = greys[y*8/h*9+x*9/w]
	}
	return img
}

func TestFingerprintTellsScenesApart(t *testing.T) {
	t.Parallel()
	print := func(img vision.Image, shorter int) Fingerprint { return FingerprintOf(vision.ToLuma(img, shorter)) }
	scene := patches(1, 640, 480)
	for name, same := range map[string]Fingerprint{
		"at another size": print(scene, 40),
		"taken larger":    print(patches(1, 1280, 960), 120),
		"darker":          print(dimmed(scene, 70), 120),
	} {
		if d := print(scene, 120).Distance(same); d > NearDuplicate {
			t.Errorf("%s: distance %d", name, d)
		}
	}
	for seed := range uint64(30) {
		if d := print(scene, 120).Distance(print(patches(100+seed, 640, 480), 120)); d <= NearDuplicate {
			t.Errorf("scene %d lies at distance %d of another", seed, d)
		}
	}
}

func TestFingerprintOfTinyPictures(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{0, 0}, {1, 1}, {1, 50}, {50, 1}, {8, 7}} {
		FingerprintOf(vision.Luma{W: size[0], H: size[1], Pix: make([]uint8, size[0]*size[1])}) // must not panic
	}
}

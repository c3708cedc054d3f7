package vision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
)

// PreprocessID names the preprocessing of this build: method, version and the
// start of a SHA-256 of what it makes of fixed synthetic pictures. It is
// computed, never typed, so two builds share it only when they give the same
// bytes. A model runs only where its own id is met.
func PreprocessID() string { return preprocessID() }

var preprocessID = sync.OnceValue(func() string {
	hash := sha256.New()
	var r Resizer
	tensor := make(Tensor, TensorLen)
	for i, c := range identityCases() {
		if err := r.Prepare(tensor, Upright(c.picture, c.orientation), c.zone); err != nil {
			panic(fmt.Sprintf("synthetic picture %d of the preprocessing's identity: %v", i, err))
		}
		hash.Write(tensor)
	}
	return "square-triangle-224/1-" + hex.EncodeToString(hash.Sum(nil))[:12]
})

type identityCase struct {
	picture     Image
	orientation int
	zone        Zone
}

// identityCases covers what could differ between builds: shrinking by whole
// and broken factors, enlarging, no change of size, odd sizes, zones and turns.
func identityCases() []identityCase {
	cases := []identityCase{
		{picture: synthetic(1280, 720, 1)},
		{picture: synthetic(448, 448, 2)},
		{picture: synthetic(641, 479, 3), zone: Zone{X: 1234, Y: 2345, Side: 6789}},
		{picture: synthetic(224, 224, 4)},
		{picture: synthetic(101, 57, 5)},
		{picture: synthetic(1, 1, 6)},
	}
	for orientation := 2; orientation <= 8; orientation++ {
		cases = append(cases, identityCase{picture: synthetic(61, 47, 7), orientation: orientation})
	}
	return cases
}

// synthetic draws a slope in each colour under noise from Knuth's linear
// congruential generator (MMIX constants), by integers only.
func synthetic(w, h int, seed uint64) Image {
	img := New(w, h)
	state := seed
	for y := range h {
		for x := range w {
			state = state*6364136223846793005 + 1442695040888963407
			at := 3 * (y*w + x)
			img.Pix[at] = uint8(x*200/w + int(state>>33%56))
			img.Pix[at+1] = uint8(y*200/h + int(state>>41%56))
			img.Pix[at+2] = uint8((x+y)*200/(w+h) + int(state>>49%56))
		}
	}
	return img
}

package embed

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"gourdian/internal/vision"
)

// View is one way of looking at a picture.
type View string

// Views of a picture. Augmented ones follow the picture's hash, not the
// training's seed: the same picture always looks the same, and its embeddings
// are cached.
const (
	// Plain is what the board sees: the largest centred square.
	Plain View = "plain/1"
	// Mirrored is Plain mirrored under another light: all colours by up to
	// 20 %, each by up to 8 % more.
	Mirrored View = "mirrored/1"
	// Closer is a square of 70 to 95 % of the side from anywhere in the
	// picture, under another light, mirrored half the time.
	Closer View = "closer/1"
	// Coarse is Plain shrunk to 48 to 112 pixels and enlarged again, mirrored
	// half the time: resolution must not tell a class, or a source.
	Coarse View = "coarse/1"
)

// TrainingViews are the views that heads are trained on, Plain first.
func TrainingViews() []View { return []View{Plain, Mirrored, Closer, Coarse} }

// Painter draws views. Its buffers are kept; one goroutine may use it.
type Painter struct{ resizer vision.Resizer }

// Draw writes a view of a picture into dst. The hash is the picture's own.
func (p *Painter) Draw(dst vision.Tensor, img vision.Image, view View, hash [32]byte) error {
	random := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(hash[:8]), binary.LittleEndian.Uint64(hash[8:16])))
	zone, flip := vision.Zone{}, false
	switch view {
	case Plain:
		return p.resizer.Prepare(dst, img, zone)
	case Coarse:
		img, flip = shrink(img, 48+random.IntN(65)), random.IntN(2) == 0
	case Mirrored:
		flip = true
	case Closer:
		zone, flip = somewhere(random, img), random.IntN(2) == 0
	default:
		return fmt.Errorf("draw view: no view %q", view)
	}
	if err := p.resizer.Prepare(dst, img, zone); err != nil {
		return err
	}
	if view != Coarse {
		relight(dst, random)
	}
	if flip {
		mirror(dst)
	}
	return nil
}

// somewhere is a zone of 70 to 95 % of the shorter side inside the picture.
func somewhere(random *rand.Rand, img vision.Image) vision.Zone {
	side := 7000 + random.IntN(2501)
	short := min(img.W, img.H)
	place := func(whole int) int {
		room := 10000 - side*short/whole
		return random.IntN(max(room, 0) + 1)
	}
	return vision.Zone{X: place(img.W), Y: place(img.H), Side: side}
}

// relight changes brightness and colour, in 256ths.
func relight(t vision.Tensor, random *rand.Rand) {
	all := 205 + random.IntN(103) // 0.80 to 1.20
	var gain [3]int
	for c := range gain {
		gain[c] = all * (236 + random.IntN(41)) / 256 // 0.92 to 1.08 of it
	}
	for i, v := range t {
		t[i] = uint8(min(255, (int(v)*gain[i%3]+128)/256))
	}
}

// mirror swaps left and right.
func mirror(t vision.Tensor) {
	const row = 3 * vision.Size
	for y := range vision.Size {
		line := t[y*row : (y+1)*row]
		for l, r := 0, row-3; l < r; l, r = l+3, r-3 {
			line[l], line[r] = line[r], line[l]
			line[l+1], line[r+1] = line[r+1], line[l+1]
			line[l+2], line[r+2] = line[r+2], line[l+2]
		}
	}
}

// shrink is the largest centred square at the given side, each pixel the mean
// of the whole pixels that fall into it. A smaller square stays as it is.
func shrink(img vision.Image, side int) vision.Image {
	x0, y0, from := vision.Zone{}.Square(img.W, img.H)
	if from <= side {
		return vision.Crop(img, x0, y0, from, from)
	}
	out := vision.New(side, side)
	for y := range side {
		for x := range side {
			var sum [3]int
			n := 0
			for sy := y * from / side; sy < (y+1)*from/side; sy++ {
				for sx := x * from / side; sx < (x+1)*from/side; sx++ {
					p := img.Pix[3*((y0+sy)*img.W+x0+sx):]
					sum[0], sum[1], sum[2] = sum[0]+int(p[0]), sum[1]+int(p[1]), sum[2]+int(p[2])
					n++
				}
			}
			for c, s := range sum {
				out.Pix[3*(y*side+x)+c] = uint8((s + n/2) / n)
			}
		}
	}
	return out
}

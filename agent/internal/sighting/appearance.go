package sighting

import (
	"math"

	"gourdian/internal/vision"
)

const (
	grid  = 14 // patches along each side of a zone's 112x112 luma
	patch = vision.ZoneLumaSide / grid
	// flat is the standard deviation in grey levels under which a patch has no
	// structure to compare: sensor noise and JPEG blocks reach about 3.
	flat = 4.0
	// unlike is the correlation under which two structured patches differ.
	unlike = 0.5
)

// Appearance is what is kept of a frame to tell whether another one shows the
// same scene.
type Appearance struct {
	pixels    []uint8 // zone luma, 112x112
	mean      [grid * grid]float32
	deviation [grid * grid]float32
	embedding []float32 // of length 1
}

// newAppearance copies what it needs. embedding may be empty: then structure
// alone decides.
func newAppearance(luma vision.Luma, embedding []float32) *Appearance {
	a := &Appearance{pixels: append([]uint8(nil), luma.Pix...), embedding: unit(embedding)}
	for i := range a.mean {
		a.mean[i], a.deviation[i] = a.moments(i)
	}
	return a
}

func unit(v []float32) []float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return nil
	}
	out, scale := make([]float32, len(v)), float32(1/math.Sqrt(sum))
	for i, x := range v {
		out[i] = x * scale
	}
	return out
}

// row returns one row of a patch.
func (a *Appearance) row(index, y int) []uint8 {
	start := (index/grid*patch+y)*vision.ZoneLumaSide + index%grid*patch
	return a.pixels[start : start+patch]
}

func (a *Appearance) moments(index int) (mean, deviation float32) {
	var sum, squares int
	for y := range patch {
		for _, p := range a.row(index, y) {
			sum += int(p)
			squares += int(p) * int(p)
		}
	}
	const n = patch * patch
	m := float64(sum) / n
	return float32(m), float32(math.Sqrt(max(0, float64(squares)/n-m*m)))
}

// structureChange is the share of the structured patches, 0..1, that look
// different in a and b. Each patch is compared by its normalised
// cross-correlation, which no change of brightness or contrast moves; only
// patches that a shadow's edge crosses notice a shadow. Patches that merely
// moved by a few pixels, all alike, are not different: a thing that was nudged,
// a camera in the wind.
func structureChange(a, b *Appearance) float64 {
	structured := 0
	var changed []int
	for i := range a.mean {
		da, db := a.deviation[i], b.deviation[i]
		if max(da, db) < flat {
			continue
		}
		structured++
		if min(da, db) < flat/2 || correlation(a, b, i) < unlike {
			changed = append(changed, i)
		}
	}
	different := len(changed)
	if different > fewPatches {
		different -= movedAlong(a, b, changed)
	}
	// A nearly plain picture has too little structure for a share to mean much.
	return float64(different) / float64(max(structured, grid*grid/4))
}

// fewPatches are too few to look for a movement in: they decide nothing.
const fewPatches = 4

func correlation(a, b *Appearance, index int) float64 {
	var sum float64
	ma, mb := float64(a.mean[index]), float64(b.mean[index])
	for y := range patch {
		ra, rb := a.row(index, y), b.row(index, y)
		for x := range ra {
			sum += (float64(ra[x]) - ma) * (float64(rb[x]) - mb)
		}
	}
	return sum / (patch * patch) / (float64(a.deviation[index]) * float64(b.deviation[index]))
}

// cosineDistance is 0 for equal directions and 2 for opposite ones; 0 where
// one of the two has no embedding.
func cosineDistance(a, b *Appearance) float64 {
	if len(a.embedding) == 0 || len(a.embedding) != len(b.embedding) {
		return 0
	}
	var dot float64
	for i, x := range a.embedding {
		dot += float64(x) * float64(b.embedding[i])
	}
	return 1 - dot
}

// Scales of the two differences, found on the rendered field (frames 10 s apart;
// "same" are the largest of 2,000 pairs, "swapped" the smallest 1 % of 480):
//
//	                               structure        cosine distance
//	same thing, light and clouds   0.01             0.04
//	same thing, rain               0.22             0.04
//	same thing, nudged by 3 %      0.05             0.04
//	swapped for another thing      0.04 to 0.12     0.04 to 0.09
//	come or gone                   0.10 and more    0.29 and more
//
// Structure alone therefore never makes a change: it is capped.
const (
	structureScale = 0.15
	structureCap   = 0.7
	embeddingScale = 0.12
)

// difference says how much two frames of the same few seconds differ; above 1
// they show different scenes.
func difference(a, b *Appearance) float64 {
	structure := structureChange(a, b) / structureScale
	if len(a.embedding) == 0 || len(b.embedding) == 0 {
		return structure
	}
	return min(structure, structureCap) + cosineDistance(a, b)/embeddingScale
}

// Scales for frames that lie minutes or hours apart: shadows have wandered and
// the light has another colour.
const (
	laterStructureScale = 1.0
	laterEmbeddingScale = 0.30
)

// laterDifference is difference for frames far apart in time.
func laterDifference(a, b *Appearance) float64 {
	structure := structureChange(a, b) / laterStructureScale
	if len(a.embedding) == 0 || len(b.embedding) == 0 {
		return structure * 4
	}
	return structure + cosineDistance(a, b)/laterEmbeddingScale
}

// blind reports whether the frame shows too little structure to say anything:
// night, fog, a covered lens.
func (a *Appearance) blind() bool {
	structured := 0
	for _, d := range a.deviation {
		if d >= flat {
			structured++
		}
	}
	return structured < len(a.deviation)/20
}

// limitOf is the difference above which two frames show different scenes.
func limitOf(sensitivity string) float64 {
	switch sensitivity {
	case "low":
		return 1.4
	case "high":
		return 0.7
	}
	return 1
}

package embed

import (
	"math"

	"gourdian/internal/vision"
)

// Places in the description that ColourAndSize gives.
const (
	hueBins    = 12
	colourSize = 3 + 3 + hueBins + 3 + 3
)

// ColourAndSize describes a picture by what a rule of colour and size could
// use, all between 0 and 1:
//
//   - mean and deviation of red, green and blue (6);
//   - the share of coloured pixels in each of 12 hues, of grey, dark and bright
//     ones (15);
//   - the thing in front: how much of the picture differs from its border's
//     mean colour, and how wide and high that part is (3).
//
// It is the baseline that a trained model must beat to earn its place.
func ColourAndSize(t vision.Tensor) []float32 {
	out := make([]float64, colourSize)
	const n = vision.Size * vision.Size
	for i := range n {
		r, g, b := float64(t[3*i])/255, float64(t[3*i+1])/255, float64(t[3*i+2])/255
		for c, v := range [3]float64{r, g, b} {
			out[c] += v / n
			out[3+c] += v * v / n
		}
		out[6+hueOf(r, g, b)] += 1.0 / n
	}
	for c := range 3 {
		out[3+c] = math.Sqrt(math.Max(0, out[3+c]-out[c]*out[c]))
	}
	copy(out[6+hueBins+3:], extent(t))
	result := make([]float32, colourSize)
	for i, v := range out {
		result[i] = float32(v)
	}
	return result
}

// hueOf is the bin of a colour: 12 hues of 30 degrees, then grey, dark, bright.
func hueOf(r, g, b float64) int {
	high, low := max(r, g, b), min(r, g, b)
	switch span := high - low; {
	case high < 0.15:
		return hueBins + 1
	case span < 0.15*high && high > 0.85:
		return hueBins + 2
	case span < 0.15*high:
		return hueBins
	default:
		var sixth float64
		switch high {
		case r:
			sixth = math.Mod((g-b)/span+6, 6)
		case g:
			sixth = (b-r)/span + 2
		default:
			sixth = (r-g)/span + 4
		}
		return min(int(sixth*hueBins/6), hueBins-1)
	}
}

// extent is the share of pixels that differ from the border's mean colour, and
// width and height of the part where they are at least a tenth of a line.
func extent(t vision.Tensor) []float64 {
	const border, apart = vision.Size / 16, 40
	var mean [3]float64
	count := 0.0
	for y := range vision.Size {
		for x := range vision.Size {
			if x < border || y < border || x >= vision.Size-border || y >= vision.Size-border {
				for c := range mean {
					mean[c] += float64(t[3*(y*vision.Size+x)+c])
				}
				count++
			}
		}
	}
	var columns, rows [vision.Size]int
	area := 0
	for y := range vision.Size {
		for x := range vision.Size {
			sum := 0.0
			for c := range mean {
				d := float64(t[3*(y*vision.Size+x)+c]) - mean[c]/count
				sum += d * d
			}
			if sum > apart*apart {
				columns[x]++
				rows[y]++
				area++
			}
		}
	}
	return []float64{float64(area) / (vision.Size * vision.Size), span(columns[:]), span(rows[:])}
}

// span is the distance between the first and the last line of which at least a
// tenth differs, as a share of the side.
func span(lines []int) float64 {
	first, last := -1, -1
	for i, n := range lines {
		if n >= vision.Size/10 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return 0
	}
	return float64(last-first+1) / vision.Size
}

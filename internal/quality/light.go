package quality

import "gourdian/internal/vision"

// Light describes how the greys of a picture are spread, all in 0..255.
type Light struct {
	Mean   float64
	P5     uint8   // 5 % of the pixels are at most this bright
	P99    uint8   // 99 % of the pixels are at most this bright
	Black  float64 // share of pixels at 5 or below, 0..1
	Burned float64 // share of pixels at 250 or above, 0..1
}

// Greys beyond which a pixel holds no more detail worth having.
const (
	blackGrey  = 5
	burnedGrey = 250
)

// Measure returns the light of a grey picture; the zero Light for an empty one.
func Measure(l vision.Luma) Light {
	n := len(l.Pix)
	if n == 0 {
		return Light{}
	}
	var counts [256]int
	sum := 0
	for _, v := range l.Pix {
		counts[v]++
		sum += int(v)
	}
	black, burned := 0, 0
	for v, count := range counts {
		if v <= blackGrey {
			black += count
		}
		if v >= burnedGrey {
			burned += count
		}
	}
	return Light{
		Mean:   float64(sum) / float64(n),
		P5:     quantile(&counts, n, 5),
		P99:    quantile(&counts, n, 99),
		Black:  float64(black) / float64(n),
		Burned: float64(burned) / float64(n),
	}
}

// quantile is the least grey that at least percent of n pixels do not exceed.
func quantile(counts *[256]int, n, percent int) uint8 {
	seen := 0
	for v, count := range counts {
		seen += count
		if seen*100 >= n*percent {
			return uint8(v)
		}
	}
	return 255
}

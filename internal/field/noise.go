package field

import (
	"math"
	"math/rand/v2"
)

// The noise lattice repeats after latticeSide cells, far more than a thing or a
// patch of ground shows at once.
const (
	latticeBits = 5
	latticeSide = 1 << latticeBits
	latticeMask = latticeSide - 1
)

// noise is smooth random texture in three dimensions: values on a lattice,
// blended in between. It is read-only after newNoise and safe to share.
type noise struct {
	lattice [latticeSide * latticeSide * latticeSide]float32
}

func newNoise(r *rand.Rand) *noise {
	n := new(noise)
	for i := range n.lattice {
		n.lattice[i] = float32(2*r.Float64() - 1)
	}
	return n
}

// at returns a value in [-1, 1] that changes smoothly over about one unit.
func (n *noise) at(x, y, z float64) float64 {
	fx, fy, fz := math.Floor(x), math.Floor(y), math.Floor(z)
	x, y, z = x-fx, y-fy, z-fz
	x0, y0, z0 := int(fx)&latticeMask, int(fy)&latticeMask, int(fz)&latticeMask
	x1, y1, z1 := (x0+1)&latticeMask, (y0+1)&latticeMask, (z0+1)&latticeMask
	y0, y1 = y0<<latticeBits, y1<<latticeBits
	z0, z1 = z0<<(2*latticeBits), z1<<(2*latticeBits)
	x, y, z = x*x*(3-2*x), y*y*(3-2*y), z*z*(3-2*z)
	l := &n.lattice
	a := blend(l[x0+y0+z0], l[x1+y0+z0], x)
	b := blend(l[x0+y1+z0], l[x1+y1+z0], x)
	c := blend(l[x0+y0+z1], l[x1+y0+z1], x)
	d := blend(l[x0+y1+z1], l[x1+y1+z1], x)
	a += (b - a) * y
	c += (d - c) * y
	return a + (c-a)*z
}

func blend(a, b float32, t float64) float64 { return float64(a) + (float64(b)-float64(a))*t }

// cell returns the random number of a cell of a grid, in [-1, 1]; k tells several
// numbers of one cell apart.
func (n *noise) cell(x, y float64, k int) float64 {
	i, j := int(x), int(y)
	// Rows of the lattice are taken far apart, so that the pattern repeats late.
	at := i&latticeMask | j&latticeMask<<latticeBits | (k*11+i>>latticeBits*7+j>>latticeBits*13)&latticeMask<<(2*latticeBits)
	return float64(n.lattice[at])
}

// cloudy adds octaves of finer and weaker noise: about [-1, 1], mostly within ±0.6.
func (n *noise) cloudy(p vec, octaves int) float64 {
	sum, gain := 0.0, 0.5
	for range octaves {
		sum += gain * n.at(p.X, p.Y, p.Z)
		// A turn between octaves hides the lattice's straight lines.
		p = vec{1.6*p.X + 1.2*p.Y + 7.3, -1.2*p.X + 1.6*p.Y + 3.1, 2.03*p.Z + 5.7}
		gain *= 0.5
	}
	return sum
}

// ridged is high on thin winding lines: 0 to 1, the lines near 1.
func (n *noise) ridged(p vec, octaves int) float64 {
	sum, gain, norm := 0.0, 0.5, 0.0
	for range octaves {
		v := 1 - math.Abs(n.at(p.X, p.Y, p.Z))
		sum += gain * v * v
		norm += gain
		p = vec{1.6*p.X + 1.2*p.Y + 2.7, -1.2*p.X + 1.6*p.Y + 9.1, 2.03*p.Z + 4.1}
		gain *= 0.5
	}
	return sum / norm
}

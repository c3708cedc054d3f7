package field

import "math"

// shadowMap tells how far the sun's light comes: a picture of the field as the
// sun sees it, depths only, of the ground within reach of the centre.
type shadowMap struct {
	centre      vec
	right, down vec
	towards     vec // unit, from the field to the sun
	side        int
	scale       float64   // cells per metre
	height      []float32 // height above the centre along towards, of what is nearest to the sun
	taps        [tapCount][2]float64
}

// tapCount is how many cells are asked for one point: enough for a soft edge.
const tapCount = 8

// newShadowMap makes an empty map of side x side cells for the sun in the given
// direction, about a centre, out to reach metres. soft is the half width of a
// shadow's edge in metres; it grows with cloud.
func newShadowMap(centre, towards vec, reach float64, side int, soft float64) *shadowMap {
	right, down := towards.aside()
	m := &shadowMap{
		centre: centre, right: right, down: down, towards: towards,
		side: side, scale: float64(side) / 2 / reach,
		height: make([]float32, side*side),
	}
	for i := range m.height {
		m.height[i] = -math.MaxFloat32
	}
	// A sunflower spiral covers the blurred edge evenly with few taps.
	blur := 1.2 + soft*m.scale
	for k := range m.taps {
		r := blur * math.Sqrt((float64(k)+0.5)/tapCount)
		s, c := math.Sincos(float64(k) * math.Pi * (3 - math.Sqrt(5)))
		m.taps[k] = [2]float64{r * c, r * s}
	}
	return m
}

// add draws what the patches hold back.
func (m *shadowMap) add(patches []*patch) {
	for _, p := range patches {
		pts := make([]point3, len(p.v))
		for i := range p.v {
			d := p.v[i].p.sub(m.centre)
			pts[i] = point3{
				float32(d.dot(m.right)*m.scale + float64(m.side)/2),
				float32(d.dot(m.down)*m.scale + float64(m.side)/2),
				float32(d.dot(m.towards)),
			}
		}
		for r := range p.rows - 1 {
			for c := range p.spans() {
				i00, i10 := r*p.cols+c, r*p.cols+p.next(c)
				m.fill(pts[i00], pts[i10], pts[i00+p.cols])
				m.fill(pts[i10+p.cols], pts[i00+p.cols], pts[i10])
			}
		}
	}
}

func (m *shadowMap) fill(a, b, c point3) {
	scan(a, b, c, m.side, m.side, func(i int, wb, wc float32) {
		if z := a.z + (b.z-a.z)*wb + (c.z-a.z)*wc; z > m.height[i] {
			m.height[i] = z
		}
	})
}

// lit returns the share of the sun's disc that is seen from p, 0..1. n is the
// surface's normal, which lifts the point off its own shadow.
func (m *shadowMap) lit(p, n vec) float64 {
	lift := 1.6 / m.scale
	p = p.along(n, lift)
	d := p.sub(m.centre)
	x := d.dot(m.right)*m.scale + float64(m.side)/2
	y := d.dot(m.down)*m.scale + float64(m.side)/2
	z := float32(d.dot(m.towards) + 0.4*lift)
	seen := 0
	for k := range m.taps {
		if m.open(int(x+m.taps[k][0]), int(y+m.taps[k][1]), z) {
			seen++
		}
	}
	return float64(seen) / tapCount
}

func (m *shadowMap) open(x, y int, z float32) bool {
	if x < 0 || y < 0 || x >= m.side || y >= m.side {
		return true
	}
	return m.height[y*m.side+x] <= z
}

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

// add draws what the patches hold back. Patches are cut for the camera, finer
// than the map's cells, so quads are taken together until they fill one.
func (m *shadowMap) add(patches []*patch) {
	var pts []point3
	for _, p := range patches {
		rows, cols := m.coarser(p)
		pts = pts[:0]
		for _, r := range rows {
			for _, c := range cols {
				pts = append(pts, m.cell(p.v[r*p.cols+c].p))
			}
		}
		w := len(cols)
		for r := range len(rows) - 1 {
			for c := range w {
				next := c + 1
				if next == w {
					if !p.wrap {
						break
					}
					next = 0
				}
				a, b := r*w+c, r*w+next
				m.fill(pts[a], pts[b], pts[a+w])
				m.fill(pts[b+w], pts[a+w], pts[b])
			}
		}
	}
}

// cell returns where the sun sees a place, in cells, and how high it is.
func (m *shadowMap) cell(p vec) point3 {
	d := p.sub(m.centre)
	return point3{
		float32(d.dot(m.right)*m.scale + float64(m.side)/2),
		float32(d.dot(m.down)*m.scale + float64(m.side)/2),
		float32(d.dot(m.towards)),
	}
}

// coarser picks rows and columns of a patch so that their quads are about as
// large as a cell; the first and the last are always among them.
func (m *shadowMap) coarser(p *patch) (rows, cols []int) {
	mid := p.rows / 2 * p.cols
	wide := p.v[mid+p.next(0)].p.sub(p.v[mid].p).length() * m.scale
	high := p.v[mid].p.sub(p.v[mid-p.cols].p).length() * m.scale
	return every(p.rows, high), every(p.cols, wide)
}

func every(n int, size float64) []int {
	by := max(1, min(int(1.4/max(size, 1e-3)), n/8))
	out := make([]int, 0, n/by+2)
	for i := 0; i < n-1; i += by {
		out = append(out, i)
	}
	return append(out, n-1)
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

package field

import "math"

// vertex is one point of a surface with all that light needs to know about it.
type vertex struct {
	p, n, col vec
	open      float64 // share of the sky that this point sees past its own folds, 0..1
	gloss     float64 // 0 dull .. 1 wet
	thin      float64 // share of light that shines through (leaves)
	light     float64 // how much of this point is a light defect, 0..1
	severe    float64 // how much of this point is a severe defect, 0..1
	hidden    bool    // faces away from the camera: shape without colour
}

// patch is a surface over two parameters: rows x cols vertices, row by row. If
// it wraps, the last column joins the first.
type patch struct {
	cols, rows int
	wrap       bool
	twoSided   bool // seen from both sides; the normal is turned towards the camera
	v          []vertex
}

func newPatch(cols, rows int, wrap bool) *patch {
	return &patch{cols: cols, rows: rows, wrap: wrap, v: make([]vertex, cols*rows)}
}

// spans returns the number of quads across.
func (p *patch) spans() int {
	if p.wrap {
		return p.cols
	}
	return p.cols - 1
}

func (p *patch) next(col int) int {
	if col+1 == p.cols && p.wrap {
		return 0
	}
	return min(col+1, p.cols-1)
}

func (p *patch) prev(col int) int {
	if col == 0 && p.wrap {
		return p.cols - 1
	}
	return max(col-1, 0)
}

// bend sets every normal from the places of the neighbours. The normal is
// (along columns) x (along rows): with longitude across and polar angle down it
// points inwards, so closed surfaces pass out = -1.
func (p *patch) bend(out float64) {
	for r := range p.rows {
		above, below := max(r-1, 0), min(r+1, p.rows-1)
		for c := range p.cols {
			v := &p.v[r*p.cols+c]
			du := p.v[r*p.cols+p.next(c)].p.sub(p.v[r*p.cols+p.prev(c)].p)
			dv := p.v[below*p.cols+c].p.sub(p.v[above*p.cols+c].p)
			n := du.cross(dv)
			if n.dot(n) < 1e-24 { // at a pole all columns meet
				continue
			}
			v.n = n.unit().scale(out)
		}
	}
}

// poles gives the first and last row of a closed surface, where bend finds no
// normal, the normals of their neighbours.
func (p *patch) poles() {
	for c := range p.cols {
		last := (p.rows - 1) * p.cols
		p.v[c].n = p.v[p.cols+c].n
		p.v[last+c].n = p.v[last-p.cols+c].n
	}
}

// pieces returns into how many pieces of about one pixel a length (metres) at a
// depth (metres) is cut, within [lo, hi].
func (c *camera) pieces(length, depth float64, lo, hi int) int {
	n := int(math.Ceil(c.focal * c.fine * length / max(depth, 0.05)))
	return max(lo, min(n, hi))
}

// depthOf is the depth of a place along the view, at least 5 cm.
func (c *camera) depthOf(p vec) float64 { return max(p.sub(c.at).dot(c.forward), 0.05) }

// moved returns the same surface shifted by d.
func (p *patch) moved(d vec) *patch {
	q := *p
	q.v = make([]vertex, len(p.v))
	copy(q.v, p.v)
	for i := range q.v {
		q.v[i].p = q.v[i].p.add(d)
	}
	return &q
}

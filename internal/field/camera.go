package field

import "math"

// camera is a pinhole that looks from a place at a target; up is up.
type camera struct {
	at                   vec
	right, down, forward vec
	focal                float64 // pixels
	cx, cy               float64 // principal point, pixels
	w, h                 int
	fine                 float64 // pieces of surface for each pixel of length
}

// lookAt returns a camera whose picture is w x h pixels and whose SHORTER side
// covers the angle fov (radians).
func lookAt(at, target vec, fov float64, w, h int) camera {
	forward := target.sub(at).unit()
	right := forward.cross(vec{Z: 1}).unit()
	return camera{
		at: at, forward: forward, right: right, down: forward.cross(right),
		focal: float64(min(w, h)) / 2 / math.Tan(fov/2),
		cx:    float64(w) / 2, cy: float64(h) / 2, w: w, h: h, fine: 0.72,
	}
}

// project returns the pixel of a place and its depth along the view (metres).
// What lies behind the camera has a depth <= 0 and no meaningful pixel.
func (c *camera) project(p vec) (x, y, depth float64) {
	d := p.sub(c.at)
	depth = d.dot(c.forward)
	if depth < 1e-3 {
		return 0, 0, 0
	}
	s := c.focal / depth
	return c.cx + d.dot(c.right)*s, c.cy + d.dot(c.down)*s, depth
}

// ray returns the direction through a pixel, scaled so that its component along
// the view is 1: at + depth*ray is the place.
func (c *camera) ray(x, y float64) vec {
	return c.forward.add(c.right.scale((x - c.cx) / c.focal)).add(c.down.scale((y - c.cy) / c.focal))
}

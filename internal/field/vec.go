package field

import "math"

// vec is a point, a direction (both in metres, z up) or a colour (linear light,
// red green blue, 1 = a perfectly white surface in full light).
type vec struct{ X, Y, Z float64 }

func (a vec) add(b vec) vec              { return vec{a.X + b.X, a.Y + b.Y, a.Z + b.Z} }
func (a vec) sub(b vec) vec              { return vec{a.X - b.X, a.Y - b.Y, a.Z - b.Z} }
func (a vec) scale(s float64) vec        { return vec{a.X * s, a.Y * s, a.Z * s} }
func (a vec) times(b vec) vec            { return vec{a.X * b.X, a.Y * b.Y, a.Z * b.Z} }
func (a vec) dot(b vec) float64          { return a.X*b.X + a.Y*b.Y + a.Z*b.Z }
func (a vec) length() float64            { return math.Sqrt(a.dot(a)) }
func (a vec) mix(b vec, t float64) vec   { return a.add(b.sub(a).scale(t)) }
func (a vec) along(d vec, t float64) vec { return a.add(d.scale(t)) }

func (a vec) cross(b vec) vec {
	return vec{a.Y*b.Z - a.Z*b.Y, a.Z*b.X - a.X*b.Z, a.X*b.Y - a.Y*b.X}
}

// unit returns a with length 1, or straight up if a has no length.
func (a vec) unit() vec {
	l := a.length()
	if l < 1e-12 {
		return vec{Z: 1}
	}
	return a.scale(1 / l)
}

// turnZ turns a about the upright axis.
func (a vec) turnZ(angle float64) vec {
	s, c := math.Sincos(angle)
	return vec{c*a.X - s*a.Y, s*a.X + c*a.Y, a.Z}
}

// aside returns two directions that stand upright on the unit vector a and on each other.
func (a vec) aside() (vec, vec) {
	ref := vec{Z: 1}
	if math.Abs(a.Z) > 0.9 {
		ref = vec{X: 1}
	}
	u := ref.cross(a).unit()
	return u, a.cross(u)
}

// frame is an orthonormal basis with a place and a size: it puts a thing that
// was made about the origin into the field.
type frame struct {
	at      vec
	x, y, z vec
	size    float64
}

// upright returns a frame at a place, turned about the vertical by angle.
func upright(at vec, angle, size float64) frame {
	return frame{at: at, x: vec{X: 1}.turnZ(angle), y: vec{Y: 1}.turnZ(angle), z: vec{Z: 1}, size: size}
}

// tilted leans the frame by an angle towards the compass direction heading.
func (f frame) tilted(angle, heading float64) frame {
	axis := vec{X: 1}.turnZ(heading + math.Pi/2)
	f.x, f.y, f.z = f.x.turned(axis, angle), f.y.turned(axis, angle), f.z.turned(axis, angle)
	return f
}

// turned rotates a about the unit axis (Rodrigues' formula).
func (a vec) turned(axis vec, angle float64) vec {
	s, c := math.Sincos(angle)
	return a.scale(c).add(axis.cross(a).scale(s)).add(axis.scale(axis.dot(a) * (1 - c)))
}

func (f frame) point(p vec) vec { return f.at.add(f.direction(p).scale(f.size)) }

func (f frame) direction(d vec) vec {
	return f.x.scale(d.X).add(f.y.scale(d.Y)).add(f.z.scale(d.Z))
}

// local is the inverse of direction.
func (f frame) local(d vec) vec { return vec{f.x.dot(d), f.y.dot(d), f.z.dot(d)} }

func clamp(x, lo, hi float64) float64 { return max(lo, min(hi, x)) }

// step rises smoothly from 0 at lo to 1 at hi; with lo > hi it falls.
func step(lo, hi, x float64) float64 {
	t := (x - lo) / (hi - lo)
	if t <= 0 {
		return 0
	}
	if t >= 1 {
		return 1
	}
	return t * t * (3 - 2*t)
}

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// srgb turns a colour as people name it (0xRRGGBB) into linear light.
func srgb(hex uint32) vec {
	return vec{toLinear(hex >> 16 & 255), toLinear(hex >> 8 & 255), toLinear(hex & 255)}
}

// toLinear approximates the transfer function of IEC 61966-2-1 for one 8-bit
// level within 0.002 by a cubic; it is asked for every piece of skin.
func toLinear(level uint32) float64 {
	v := float64(level) / 255
	return v * (v*(v*0.305306011+0.682171111) + 0.012522878)
}

// fromLinear is the transfer function from linear light to a fraction of full level.
func fromLinear(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * max(v, 0)
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

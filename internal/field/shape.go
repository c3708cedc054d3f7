package field

import "math"

// shape is the form of a ribbed fruit about its upright axis: half a unit wide,
// resting anywhere; grow puts it on the ground.
type shape struct {
	flat     float64 // height over width
	ribs     int
	depth    float64 // of the grooves, share of the radius
	round    float64 // 0 full backs .. 1 flat backs and narrow grooves
	dimple   float64 // depth of the hollow about the stem
	foot     float64 // depth of the hollow below
	taper    float64 // > 0 wider below, < 0 wider above
	warp     [3]float64
	phase    [3]float64
	lump     float64 // unevenness of the whole
	place    vec     // in the noise
	uneven   float64 // how much one rib differs from the next
	sag      float64 // 0 firm .. 1 collapsed
	sagPlace vec
}

// rib returns where in its rib a longitude is: 0 in the groove, 1 on the back,
// and a number that is the same all over one rib.
func (s *shape) rib(lon float64) (back, index float64) {
	for k, a := range s.warp {
		lon += a * math.Sin(float64(k+1)*lon+s.phase[k])
	}
	t := lon / (2 * math.Pi) * float64(s.ribs)
	index = math.Floor(t)
	return math.Sin((t - index) * math.Pi), index
}

// ring is what all points at one angle from the stem have in common.
type ring struct {
	sin, cos    float64
	rho, z      float64 // profile without ribs
	fade        float64 // how deep the grooves are here
	hollow, rim float64 // how much the ribs shape the hollow and its shoulders
}

// ringAt works out a ring, lat being the angle from the stem (0..pi).
func (s *shape) ringAt(lat float64) ring {
	sin, cos := math.Sincos(lat)
	sin = max(sin, 0)
	r := ring{sin: sin, cos: cos, fade: s.depth * (0.35 + 0.65*sin)}
	// Grooves run out towards the flower end, and meet in the hollow of the stem.
	if cos < 0 {
		r.fade *= 1 - 0.35*cos*cos
	}
	r.rho = math.Pow(sin, 0.92) * (1 - s.taper*cos*0.5)
	r.z = math.Copysign(math.Pow(math.Abs(cos), 0.9), cos)
	dip := math.Exp(-sin * sin / (0.42 * 0.42))
	if cos > 0 {
		r.z -= s.dimple * dip
		r.hollow = s.dimple * dip * 0.35 * sin
		r.rim = 0.10 * s.depth / 0.15 * math.Exp(-(sin-0.55)*(sin-0.55)/0.09)
	} else {
		r.z += s.foot * dip
	}
	return r
}

// at returns a point of the fruit and its place in its rib (0 groove .. 1 back).
func (s *shape) at(tex *noise, r *ring, lon float64) (p vec, back float64) {
	sinLon, cosLon := math.Sincos(lon)
	back, index := s.rib(lon)
	swell := math.Sqrt(back)
	swell = lerp(swell, math.Sqrt(swell), s.round)
	high := s.uneven * tex.at(index*1.7+s.place.X, 3.3, s.place.Y)
	rho := r.rho * (1 - r.fade*(1-swell)) * (1 + 0.5*high*r.sin)
	z := r.z + (r.hollow+r.rim)*swell
	p = vec{rho * cosLon, rho * sinLon, z * s.flat}
	q := vec{r.sin * cosLon, r.sin * sinLon, r.cos}
	uneven := tex.cloudy(q.scale(1.3).add(s.place), 2)
	p = p.scale(1 + s.lump*uneven)
	if s.sag > 0 {
		p = s.sink(tex, p, q)
	}
	return p, back
}

// sink lets a rotten fruit fall in: the top comes down, one side gives way, the
// skin folds.
func (s *shape) sink(tex *noise, p, q vec) vec {
	dent := step(-0.2, 0.9, tex.cloudy(q.scale(1.1).add(s.sagPlace), 2)+0.25)
	p = p.scale(1 - 0.30*s.sag*dent)
	folds := tex.ridged(vec{q.X * 3, q.Y * 3, q.Z * 7}.add(s.sagPlace), 3)
	p = p.scale(1 - 0.10*s.sag*folds*(1-0.5*dent))
	if p.Z > 0 {
		p.Z *= 1 - 0.42*s.sag*(1-0.4*(p.X*s.phase[0]-p.Y)*0.3)
	}
	// What lost its height spreads at the foot.
	spread := 1 + 0.16*s.sag*step(0.3, -0.7, p.Z)
	p.X *= spread
	p.Y *= spread
	return p
}

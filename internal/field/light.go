package field

import "math"

// light is what falls on the field at one moment, and how the camera exposes it.
type light struct {
	towards  vec     // unit, to the sun (at night: to the moon)
	sun      vec     // colour of direct light
	sky      vec     // colour from above
	bounce   vec     // colour from below
	exposure float64 // the camera's gain
	noise    float64 // standard deviation of the sensor's noise at mid grey, 8-bit levels
	dapple   dapple
}

// weather is what stands between the sun and the field.
type weather struct {
	cloud float64 // 0 clear .. 1 overcast
	haze  float64 // 0..1, warms and weakens the low sun
	rain  float64 // 0..1
}

// Sun and sky by day, relative to a white surface under the noon sun. The ratio
// of sky to sun (1:5 clear) is that of a summer's day; an overcast sky gives
// about a third of the light, all of it soft.
const (
	sunStrength   = 1.0
	skyStrength   = 0.26
	cloudStrength = 0.42
	moonStrength  = 0.004
)

// sunAt returns the direction to the sun for an hour of the day (0..24), noon at
// 12.5, with the given elevation at noon (radians), rising in the east (+x).
func sunAt(hour, noonElevation float64) vec {
	turn := (hour - 12.5) / 12 * math.Pi
	// The sun's daily circle, tilted so that it culminates at noonElevation
	// towards the south (-y): close enough for a light, not for an almanac.
	s, c := math.Sincos(turn)
	up := c*math.Sin(noonElevation) + 0.08
	return vec{X: -s, Y: -c * math.Cos(noonElevation), Z: up}.unit()
}

// daylight returns the light of a moment.
func daylight(towards vec, w weather) light {
	elevation := math.Asin(clamp(towards.Z, -1, 1))
	day := step(-0.10, 0.16, elevation)
	direct := step(-0.02, 0.25, elevation) * sunStrength
	low := 1 - step(0.0, 0.55, elevation)
	colour := vec{1, 0.93, 0.82}.mix(vec{1, 0.58, 0.26}, low*(0.75+0.25*w.haze))
	sky := vec{0.55, 0.75, 1}.mix(vec{0.62, 0.62, 0.80}, low).scale(skyStrength).
		mix(vec{0.92, 0.97, 1}.scale(cloudStrength), w.cloud)
	l := light{towards: towards, sun: colour.scale(direct * (1 - 0.97*w.cloud) * (1 - 0.35*w.haze))}
	l.sky = sky.scale(day).add(vec{0.35, 0.45, 0.8}.scale(moonStrength))
	if towards.Z <= 0.03 {
		l.towards = vec{towards.X, towards.Y, 0.03}.unit()
	}
	soil := vec{0.22, 0.17, 0.11}
	l.bounce = soil.times(l.sun.scale(max(towards.Z, 0)).add(l.sky)).scale(0.9)
	return l
}

// expose sets the camera's gain for a scene of usual brightness, shifted by stops
// and held to what a small camera can reach at night.
func (l *light) expose(stops float64) {
	flux := l.sun.scale(0.25 + 0.55*max(l.towards.Z, 0)).add(l.sky.scale(0.9))
	bright := 0.2126*flux.X + 0.7152*flux.Y + 0.0722*flux.Z
	const most = 14
	l.exposure = min(0.92/bright, most) * math.Exp2(stops)
	l.noise = 1.2 + 5*step(1.5, most, l.exposure)
}

// dapple is the moving shade of leaves and twigs between the sun and the field.
type dapple struct {
	strength float64 // 0 none .. 1 deep
	density  float64 // share of the ground in shade, about -0.3 (little) .. 0.3 (much)
	scale    float64 // blots per metre
	shift    vec     // moves with wind and sun
	edge     float64 // softness of the blots
}

// through returns the share of sunlight that comes through at a place. The blots
// lie along the sun's rays, so that what stands up carries them too.
func (d *dapple) through(n *noise, towards, p vec) float64 {
	if d.strength == 0 {
		return 1
	}
	t := p.Z / towards.Z
	x, y := (p.X-towards.X*t)*d.scale+d.shift.X, (p.Y-towards.Y*t)*d.scale+d.shift.Y
	v := n.at(x, y, d.shift.Z) + 0.5*n.at(2.1*x+5, 2.1*y+3, d.shift.Z+9)
	return 1 - d.strength*step(-d.edge, d.edge, v+d.density)
}

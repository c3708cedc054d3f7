package field

import (
	"math"
	"time"
)

// sunStep is a moment at which shadows are worked out. Between two steps they
// stay: the sun moves a quarter of a degree a minute.
type sunStep struct {
	index   int64
	towards vec
}

// sky is the light of a moment and the lens it passes.
type sky struct {
	step  sunStep
	light light
	lens  lens
}

// Elevation of the sun at noon in the harvest of a middle latitude, radians.
const noonSun = 0.78

// skyAt returns the light of a moment. All of it follows from the seed and the
// clock: each day has its weather, clouds pass within minutes, leaves stir
// within seconds.
func (s *Scene) skyAt(at time.Time) sky {
	tex := s.studio.tex
	since := at.Sub(s.set.start).Seconds()
	day := s.dayOf(at)
	d := dice{source(realmScene, s.set.seed, 5, uint64(day))}
	w := weather{haze: d.between(0, 0.5)}
	overcast, rainy := d.chance(0.3), d.chance(0.3)
	leafy, o := d.between(0.45, 0.8), d.place()
	slow := tex.cloudy(vec{since/2400 + o.X, o.Y, 0}, 3)
	quick := tex.cloudy(vec{since/150 + o.Y, o.Z, 5}, 2)
	if overcast {
		w.cloud = clamp(0.9+0.3*slow, 0.6, 1)
		if rainy {
			w.rain = clamp(0.5+1.6*slow, 0, 1)
		}
	} else {
		// A passing cloud takes most of the sun within a quarter of a minute.
		w.cloud = clamp(0.1+0.75*step(0.12, 0.3, quick+0.35*slow), 0, 0.85)
	}
	every := max(60, s.set.speed)
	index := int64(math.Floor(since / every))
	shadowTime := s.set.start.Add(time.Duration(float64(index) * every * float64(time.Second)))
	out := sky{step: sunStep{index, daylight(sunAt(hourOf(shadowTime), noonSun), w).towards}}
	out.light = daylight(sunAt(hourOf(at), noonSun), w)
	out.light.dapple = dapple{strength: leafy, density: -0.12, scale: 6, edge: 0.14, shift: sway(since, o)}
	out.light.expose(0)
	out.lens = lens{vignette: 0.18, seed: o}
	if w.rain > 0.1 {
		out.lens.streaks = w.rain
		out.lens.seed.X += 3.7 * math.Mod(since*13, 97)
	}
	if s.set.mudDay > 0 && day >= s.set.mudDay {
		md := dice{source(realmScene, s.set.seed, 6)}
		out.lens.mud = mudOf(md, 0.75)
	}
	return out
}

// sway is where the shade of the leaves is: it wanders with the sun, and stirs
// in the wind.
func sway(since float64, o vec) vec {
	gust := 0.5 + 0.5*math.Sin(since/37+o.X)
	return vec{
		X: o.X + since/240 + 0.10*gust*math.Sin(since*1.9),
		Y: o.Y + 0.06*gust*math.Sin(since*1.3+1),
		Z: o.Z + since/1200 + 0.02*gust*math.Sin(since*0.7),
	}
}

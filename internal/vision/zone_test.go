package vision

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestZoneSquare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone       Zone
		w, h       int
		x, y, side int
	}{
		"zero is the centred square":      {Zone{}, 1280, 720, 280, 0, 720},
		"zero on an upright picture":      {Zone{ID: "a"}, 720, 1281, 0, 280, 720},
		"a quarter":                       {Zone{X: 5000, Y: 0, Side: 5000}, 1280, 720, 640, 0, 360},
		"beyond the right edge moves in":  {Zone{X: 9000, Y: 9000, Side: 5000}, 1280, 720, 920, 360, 360},
		"larger than the picture":         {Zone{X: 0, Y: 0, Side: 20000}, 1280, 720, 0, 0, 720},
		"smaller than a pixel":            {Zone{X: 10000, Y: 10000, Side: 1}, 100, 100, 99, 99, 1},
		"negative corner":                 {Zone{X: -500, Y: -1, Side: 10000}, 100, 50, 0, 0, 50},
		"numbers that would overflow":     {Zone{X: math.MaxInt, Y: math.MinInt, Side: math.MaxInt}, 640, 480, 160, 0, 480},
		"one pixel":                       {Zone{X: 5000, Y: 5000, Side: 5000}, 1, 1, 0, 0, 1},
		"side of a very wide picture":     {Zone{X: 5000, Y: 0, Side: 10000}, 4000, 3, 2000, 0, 3},
		"negative side is the whole view": {Zone{X: 1, Y: 1, Side: -1}, 30, 20, 5, 0, 20},
	} {
		if x, y, side := c.zone.Square(c.w, c.h); x != c.x || y != c.y || side != c.side {
			t.Errorf("%s: (%d,%d) side %d, want (%d,%d) side %d", name, x, y, side, c.x, c.y, c.side)
		}
	}
}

func TestZoneAlwaysLiesInThePicture(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 9000).Draw(t, "w"), rapid.IntRange(1, 9000).Draw(t, "h")
		x, y, side := drawZone(t).Square(w, h)
		if side < 1 || x < 0 || y < 0 || x+side > w || y+side > h {
			t.Fatalf("(%d,%d) side %d in %dx%d", x, y, side, w, h)
		}
	})
}

package sighting

import (
	"math"

	"gourdian/internal/vision"
)

const (
	// reach is how far a thing, or the camera in the wind, may move between two
	// frames and still be the same scene: 5 % of the zone's side.
	reach = 6
	// explained is the share of the changed patches that one common shift has
	// to account for; what it leaves are the edges of the place given up.
	explained = 0.6
	// alike is the correlation of two patches that show the same under a shift.
	// It is higher than unlike, because the best of many shifts is taken.
	alike = 0.7
)

// movedAlong returns how many of the changed patches look the same when all are
// moved by the same few pixels; 0 where too few do for a movement.
func movedAlong(a, b *Appearance, changed []int) int {
	best := 0
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			best = max(best, followers(a, b, changed, dx, dy))
		}
	}
	if float64(best) < explained*float64(len(changed)) {
		return 0
	}
	return best
}

// followers counts the changed patches of a that are found in b moved by
// (dx, dy). A patch that is plain in a is looked for the other way round.
func followers(a, b *Appearance, changed []int, dx, dy int) int {
	count := 0
	for _, i := range changed {
		from, to, x, y := a, b, dx, dy
		if b.deviation[i] > a.deviation[i] {
			from, to, x, y = b, a, -dx, -dy
		}
		if from.found(i, to, x, y) {
			count++
		}
	}
	return count
}

// found reports whether a patch of a shows the same as b at its place moved by
// (dx, dy). What would lie outside the picture is not found.
func (a *Appearance) found(index int, b *Appearance, dx, dy int) bool {
	x0, y0 := index%grid*patch+dx, index/grid*patch+dy
	if x0 < 0 || y0 < 0 || x0+patch > vision.ZoneLumaSide || y0+patch > vision.ZoneLumaSide {
		return false
	}
	var sum, squares, product int
	for y := range patch {
		ra, rb := a.row(index, y), b.pixels[(y0+y)*vision.ZoneLumaSide+x0:][:patch]
		for x, p := range rb {
			sum += int(p)
			squares += int(p) * int(p)
			product += int(p) * int(ra[x])
		}
	}
	const n = patch * patch
	mean := float64(sum) / n
	deviation := math.Sqrt(max(0, float64(squares)/n-mean*mean))
	covariance := float64(product)/n - mean*float64(a.mean[index])
	return covariance > alike*deviation*float64(a.deviation[index])
}

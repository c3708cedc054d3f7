package rollout

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"gourdian/cloud/internal/fleet"
)

// Limits of a plan.
const (
	maxWaves   = 10
	maxDevices = 1000
	maxSoak    = 30 * 24 * time.Hour
)

// DefaultWaves suit most fleets: one board, a quarter, all.
const DefaultWaves = "1, 25%, 100%"

// DefaultSoak is how long a wave runs before the next where nobody says
// otherwise.
const DefaultSoak = 30 * time.Minute

// Plan says which boards, and how fast.
type Plan struct {
	Site     string   `json:"site,omitempty"`
	Group    string   `json:"group,omitempty"`
	Devices  []string `json:"devices,omitempty"` // these alone
	Share    int      `json:"share"`             // percent of those that are meant, 1 to 100
	Waves    []string `json:"waves"`             // each "5" (boards) or "25%", rising, of all that are meant
	Soak     int64    `json:"soak_seconds"`      // between a wave's last board and the next wave
	Failures int      `json:"failures"`          // that may happen after the first wave
}

// Everybody reports whether the plan means all boards of a place, also those
// that join later.
func (p Plan) Everybody() bool { return len(p.Devices) == 0 && p.Share == 100 }

// SoakTime is Soak as a duration.
func (p Plan) SoakTime() time.Duration { return time.Duration(p.Soak) * time.Second }

// ParseWaves reads "1, 25%, 100%".
func ParseWaves(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ';' || c == ' ' })
}

// check fills in what was left out.
func (p *Plan) check() error {
	if p.Share == 0 {
		p.Share = 100
	}
	if len(p.Waves) == 0 {
		p.Waves = ParseWaves(DefaultWaves)
	}
	switch {
	case p.Share < 1 || p.Share > 100:
		return fmt.Errorf("%w: a share of %d %%", ErrPlan, p.Share)
	case len(p.Waves) > maxWaves:
		return fmt.Errorf("%w: %d waves, at most %d", ErrPlan, len(p.Waves), maxWaves)
	case len(p.Devices) > maxDevices:
		return fmt.Errorf("%w: %d boards by name, at most %d", ErrPlan, len(p.Devices), maxDevices)
	case p.Soak < 0 || p.Soak > int64(maxSoak/time.Second):
		return fmt.Errorf("%w: at most 30 days between waves", ErrPlan)
	case p.Failures < 0:
		return fmt.Errorf("%w: failures below 0", ErrPlan)
	}
	if _, err := p.sizes(maxDevices); err != nil {
		return err
	}
	return nil
}

// sizes is how many of n boards are told once each wave has begun, rising, the
// last one n.
func (p Plan) sizes(n int) ([]int, error) {
	var sizes []int
	for _, text := range p.Waves {
		number, percent := strings.CutSuffix(text, "%")
		value, err := strconv.Atoi(number)
		if err != nil || value < 1 || percent && value > 100 {
			return nil, fmt.Errorf("%w: a wave is like 5 or 25%%, not %.20q", ErrPlan, text)
		}
		if percent {
			value = (n*value + 99) / 100
		}
		value = min(value, n)
		if len(sizes) == 0 || value > sizes[len(sizes)-1] {
			sizes = append(sizes, value)
		}
	}
	if len(sizes) == 0 || sizes[len(sizes)-1] < n {
		sizes = append(sizes, n) // whoever is meant is told in the end
	}
	return sizes, nil
}

// order puts boards in the order in which they are told: those that can be
// reached first, and by turns of all sites, so that the first wave meets as many
// kinds of places as it can. key makes it another order for each rollout.
func order(boards []fleet.Board, key string) []fleet.Board {
	rank := func(b fleet.Board) uint64 {
		h := fnv.New64a()
		h.Write([]byte(key + b.Device))
		return h.Sum64()
	}
	slices.SortFunc(boards, func(a, b fleet.Board) int { return cmp.Compare(rank(a), rank(b)) })
	turn := map[string]int{}
	turns := make(map[string]int, len(boards))
	for _, b := range boards {
		place := fmt.Sprint(b.Online, b.Site, "\x00", b.Group)
		turns[b.Device] = turn[place]
		turn[place]++
	}
	slices.SortStableFunc(boards, func(a, b fleet.Board) int {
		return cmp.Or(before(b.Online, a.Online), cmp.Compare(turns[a.Device], turns[b.Device]))
	})
	return boards
}

// before puts false before true.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// waveOf is the wave of the i-th board.
func waveOf(sizes []int, i int) int {
	for wave, size := range sizes {
		if i < size {
			return wave
		}
	}
	return len(sizes) - 1
}

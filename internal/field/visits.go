package field

import (
	"math"
	"time"
)

// Visit is the truth about one thing's stay in front of a scene's camera.
type Visit struct {
	Stand  int       // 0, or 1 for the right stand of a scene with two
	Arrive time.Time // when it comes into the picture
	Leave  time.Time // when it is out of the picture again
	Thing  Thing     // its box is where it stands at rest
}

// travel is how long a thing takes to come and to go.
const travel = 1200 * time.Millisecond

// People work, and so pumpkins come, between these hours of the field clock.
const (
	workFrom = 6.5
	workTo   = 19.5
)

// stay is a visit before anyone has looked at what comes: drawn from the slot
// of time that it lies in, so that any moment can be asked for by itself.
type stay struct {
	stand         int
	slot          int64
	arrive, leave time.Time
}

// slotLength is the time between two visits' slots at one stand.
func (s *Scene) slotLength() time.Duration {
	per := s.set.visits / float64(len(s.spots))
	return time.Duration(float64(time.Hour) / per)
}

// stayIn returns the stay in a slot of a stand; ok is false out of working hours.
func (s *Scene) stayIn(stand int, slot int64) (st stay, ok bool) {
	length := s.slotLength()
	d := dice{source(realmScene, s.set.seed, 1, uint64(stand), uint64(slot))}
	// The stands do not change hands at the same moment.
	offset := time.Duration(stand) * length / 2
	begin := s.slotStart(slot).Add(offset)
	lead := time.Duration(d.between(0.06, 0.20) * float64(length))
	span := max(time.Duration(d.between(0.45, 0.72)*float64(length)), 3*travel)
	st = stay{stand: stand, slot: slot, arrive: begin.Add(lead).Truncate(time.Millisecond)}
	st.leave = st.arrive.Add(span).Truncate(time.Millisecond)
	return st, atWork(st.arrive) && atWork(st.leave) && !begin.Before(s.set.start)
}

func (s *Scene) slotStart(slot int64) time.Time {
	return s.set.start.Add(time.Duration(slot) * s.slotLength())
}

func (s *Scene) slotOf(stand int, at time.Time) int64 {
	offset := time.Duration(stand) * s.slotLength() / 2
	return int64(math.Floor(float64(at.Sub(s.set.start)-offset) / float64(s.slotLength())))
}

func atWork(t time.Time) bool {
	h := hourOf(t)
	return h >= workFrom && h < workTo
}

// hourOf is the hour of the day with its fraction, on the clock's own zone.
func hourOf(t time.Time) float64 {
	h, m, sec := t.Clock()
	return float64(h) + float64(m)/60 + (float64(sec)+float64(t.Nanosecond())/1e9)/3600
}

// dayOf counts the days of the scene; the day that it starts on is day 1.
func (s *Scene) dayOf(t time.Time) int {
	y, m, d := s.set.start.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, s.set.start.Location())
	return int(math.Floor(t.Sub(midnight).Hours()/24)) + 1
}

// Visits returns what stands in front of the camera at any moment of [from, to),
// by arrival. The truth goes this way only, never with a picture.
func (s *Scene) Visits(from, to time.Time) []Visit {
	var out []Visit
	for stand := range s.spots {
		for slot := s.slotOf(stand, from) - 1; slot <= s.slotOf(stand, to); slot++ {
			st, ok := s.stayIn(stand, slot)
			if !ok || !st.leave.After(from) || !st.arrive.Before(to) {
				continue
			}
			sp := s.guest(st)
			truth := sp.truth
			truth.Box = s.restBox(sp, st.stand)
			out = append(out, Visit{Stand: stand, Arrive: st.arrive, Leave: st.leave, Thing: truth})
		}
	}
	sortVisits(out)
	return out
}

// guest draws who comes in a stay.
func (s *Scene) guest(st stay) *specimen {
	d := dice{source(realmScene, s.set.seed, 2, uint64(st.stand), uint64(st.slot))}
	if d.chance(s.set.strange) {
		sp := lookalike(d, choose(d, lookalikeKinds()...))
		// What is far smaller than a pumpkin would be no look-alike on a stand.
		sp.size = max(sp.size, 0.085)
		return sp
	}
	kinds := s.set.varieties
	if s.set.newDay > 0 && s.dayOf(st.arrive) >= s.set.newDay {
		// The new variety takes a third of the harvest.
		kinds = append(make([]Variety, 0, 2*len(kinds)), kinds...)
		for range (len(kinds) + 1) / 2 {
			kinds = append(kinds, s.set.newVariety)
		}
	}
	v := choose(d, kinds...)
	class := choose(d, Good, Good, Good, Good, Good, Regular, Regular, Regular, Bad, Bad)
	sp := pumpkin(d, s.studio.tex, v, class)
	sp.size = clamp(sp.size, 0.1, 0.18)
	return sp
}

package sketch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"gourdian/internal/wire"
)

const (
	// version is the first byte of every sketch.
	version = 1
	// maxOutcomes bounds the verdicts of a task with their reasons.
	maxOutcomes = wire.MaxClasses + 8
	maxName     = 64
)

// ErrSketch is wrapped by every error of Decode.
var ErrSketch = errors.New("bad sketch")

// Encode returns the one form in which a sketch is kept and sent.
func (s *Sketch) Encode() []byte {
	b := binary.AppendUvarint(binary.AppendUvarint([]byte{version}, s.n), s.judged)
	outcomes := s.Outcomes()
	b = binary.AppendUvarint(b, uint64(len(outcomes)))
	for _, o := range outcomes {
		b = appendName(appendName(b, string(o.Verdict)), string(o.Reason))
		b = binary.AppendUvarint(b, s.outcomes[o])
	}
	for i := range s.signals {
		m := &s.signals[i]
		b = binary.AppendUvarint(binary.AppendUvarint(b, m.sum), m.squares)
		b = appendBins(b, &m.bins)
	}
	for _, a := range s.axes {
		b = binary.AppendUvarint(binary.AppendVarint(b, a.sum), a.squares)
	}
	for i := range s.classes {
		c := &s.classes[i]
		b = binary.AppendUvarint(b, c.n)
		if c.n == 0 {
			continue
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, c.top), c.novelty)
		for _, sum := range c.axes {
			b = binary.AppendVarint(b, sum)
		}
	}
	return b
}

func appendName(b []byte, name string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(name))), name...)
}

// appendBins writes empty bins as a zero and how many more follow it.
func appendBins(b []byte, bins *[Bins]uint64) []byte {
	for i := 0; i < Bins; i++ {
		b = binary.AppendUvarint(b, bins[i])
		if bins[i] > 0 {
			continue
		}
		more := 0
		for i+1 < Bins && bins[i+1] == 0 {
			i, more = i+1, more+1
		}
		b = binary.AppendUvarint(b, uint64(more))
	}
	return b
}

// Decode reads what Encode wrote and nothing else: bytes that say the same in
// another way, or numbers that contradict each other, are an error that wraps
// ErrSketch.
func Decode(data []byte) (*Sketch, error) {
	if len(data) > wire.MaxSketch {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrSketch, len(data), wire.MaxSketch)
	}
	if len(data) == 0 || data[0] != version {
		return nil, fmt.Errorf("%w: not of version %d", ErrSketch, version)
	}
	r := reader{rest: data[1:]}
	s := &Sketch{}
	s.read(&r)
	if r.bad || len(r.rest) > 0 {
		return nil, fmt.Errorf("%w: cut short or too long", ErrSketch)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSketch, err)
	}
	if !bytes.Equal(s.Encode(), data) {
		return nil, fmt.Errorf("%w: not in its one form", ErrSketch)
	}
	return s, nil
}

func (s *Sketch) read(r *reader) {
	s.n, s.judged = r.number(), r.number()
	outcomes := r.number()
	if outcomes > maxOutcomes {
		r.bad = true
		return
	}
	s.outcomes = make(map[Outcome]uint64, outcomes)
	for range outcomes {
		o := Outcome{wire.Verdict(r.name()), wire.Reason(r.name())}
		s.outcomes[o] = r.number()
	}
	for i := range s.signals {
		m := &s.signals[i]
		m.sum, m.squares = r.number(), r.number()
		r.bins(&m.bins)
	}
	for i := range s.axes {
		s.axes[i] = axis{r.signed(), r.number()}
	}
	for i := range s.classes {
		c := &s.classes[i]
		if c.n = r.number(); c.n == 0 {
			continue
		}
		c.top, c.novelty = r.number(), r.number()
		for a := range c.axes {
			c.axes[a] = r.signed()
		}
	}
}

// check holds that the parts agree on how many sightings there were, and that
// no sum is beyond what so many can give.
func (s *Sketch) check() error {
	if s.n > MaxSightings || s.judged > s.n {
		return fmt.Errorf("%d of %d sightings", s.judged, s.n)
	}
	var outcomes, classes uint64
	for o, n := range s.outcomes {
		if n == 0 || n > s.n {
			return fmt.Errorf("%d times %s", n, o.Verdict)
		}
		outcomes += n
	}
	for i := range s.signals {
		m, count := &s.signals[i], s.of(Signal(i))
		var binned uint64
		for _, n := range m.bins {
			binned += min(n, count+1)
		}
		if binned != count || m.sum > count*whole || m.squares > count*whole*whole {
			return fmt.Errorf("%v does not add up", Signal(i))
		}
	}
	for i, a := range s.axes {
		if beyond(a.sum, s.judged) || a.squares > s.judged*farthest*farthest {
			return fmt.Errorf("axis %d does not add up", i)
		}
	}
	for i := range s.classes {
		c := &s.classes[i]
		if c.n > s.judged || c.top > c.n*whole || c.novelty > c.n*whole {
			return fmt.Errorf("class %d does not add up", i)
		}
		for _, sum := range c.axes {
			if beyond(sum, c.n) {
				return fmt.Errorf("class %d does not add up", i)
			}
		}
		classes += c.n
	}
	if outcomes != s.n || classes != s.judged {
		return fmt.Errorf("%d outcomes of %d sightings, %d classes of %d that were judged", outcomes, s.n, classes, s.judged)
	}
	return nil
}

// beyond reports whether n sightings can't have this sum on an axis.
func beyond(sum int64, n uint64) bool {
	most := int64(n) * farthest
	return sum > most || sum < -most
}

// reader reads numbers until one is missing.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) name() string {
	n := r.number()
	if n > maxName || n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	name := string(r.rest[:n])
	r.rest = r.rest[n:]
	return name
}

func (r *reader) bins(bins *[Bins]uint64) {
	for i := 0; i < Bins; i++ {
		if bins[i] = r.number(); bins[i] > 0 {
			continue
		}
		more := r.number()
		if more > uint64(Bins-1-i) {
			r.bad = true
			return
		}
		i += int(more)
	}
}

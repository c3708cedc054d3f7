package field

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what a scene's query says.
type settings struct {
	seed          uint64
	speed         float64
	width, height int
	varieties     []Variety
	visits        float64
	two           bool
	start         time.Time
	strange       float64
	mudDay        int // first day with mud on the lens; 0 = never
	newVariety    Variety
	newDay        int // first day of newVariety; 0 = never
}

// defaultStart is a morning in the harvest.
const defaultStart = "2026-10-05T09:00:00Z"

// keys are all that a query may hold, each with the reading of its value.
func (s *settings) keys() map[string]func(string) error {
	return map[string]func(string) error{
		"seed": func(v string) (err error) {
			s.seed, err = strconv.ParseUint(v, 10, 64)
			return err
		},
		"speed":   number(&s.speed, 0.01, 10000),
		"width":   pixels(&s.width),
		"height":  pixels(&s.height),
		"visits":  number(&s.visits, 0.1, 240),
		"strange": number(&s.strange, 0, 1),
		"mud":     day(&s.mudDay),
		"start": func(v string) (err error) {
			s.start, err = time.Parse(time.RFC3339, v)
			return err
		},
		"two": func(v string) (err error) {
			s.two, err = strconv.ParseBool(v)
			return err
		},
		"varieties": func(v string) error {
			for name := range strings.SplitSeq(v, ",") {
				kind, err := variety(name)
				if err != nil {
					return err
				}
				s.varieties = append(s.varieties, kind)
			}
			return nil
		},
		"new": func(v string) (err error) {
			name, from, ok := strings.Cut(v, "@")
			if !ok {
				return fmt.Errorf("%q is not VARIETY@DAY", v)
			}
			if s.newVariety, err = variety(name); err != nil {
				return err
			}
			return day(&s.newDay)(from)
		},
	}
}

func number(to *float64, lo, hi float64) func(string) error {
	return func(v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || f < lo || f > hi {
			return fmt.Errorf("%q is not a number from %v to %v", v, lo, hi)
		}
		*to = f
		return nil
	}
}

func whole(to *int, lo, hi int, what string) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < lo || n > hi {
			return fmt.Errorf("%q is not %s from %d to %d", v, what, lo, hi)
		}
		*to = n
		return nil
	}
}

func pixels(to *int) func(string) error { return whole(to, 160, 1920, "a number of pixels") }
func day(to *int) func(string) error    { return whole(to, 1, 3650, "a day") }

func variety(name string) (Variety, error) {
	v := Variety(strings.TrimSpace(name))
	if !slices.Contains(Varieties(), v) {
		return "", fmt.Errorf("unknown variety %q: one of %v", name, Varieties())
	}
	return v, nil
}

// parse reads a query; every problem is named with its key.
func parse(query string) (settings, error) {
	s := settings{seed: 1, speed: 1, width: 960, height: 720, visits: 40, strange: 0.14}
	s.start, _ = time.Parse(time.RFC3339, defaultStart)
	values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return s, fmt.Errorf("scene: %w", err)
	}
	keys := s.keys()
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		read, known := keys[name]
		switch {
		case !known:
			return s, fmt.Errorf("scene: unknown key %q", name)
		case len(values[name]) > 1:
			return s, fmt.Errorf("scene: %s: given twice", name)
		}
		if err := read(values[name][0]); err != nil {
			return s, fmt.Errorf("scene: %s: %w", name, err)
		}
	}
	if len(s.varieties) == 0 {
		s.varieties = []Variety{Orange, Flat, White}
	}
	return s, nil
}

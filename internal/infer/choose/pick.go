package choose

import (
	"errors"
	"fmt"
	"strings"
)

// Reason says in a word why a variant runs.
type Reason string

const (
	Asked    Reason = "asked"    // the config names it
	Only     Reason = "only"     // the profile and the bundle leave no other
	Fastest  Reason = "fastest"  // faster than all others that pass
	NoFaster Reason = "nofaster" // no other is clearly faster, and it is the most exact
	Passed   Reason = "passed"   // the only one whose golden frames pass here
)

// ErrNone is wrapped where no variant passes its golden frames.
var ErrNone = errors.New("no variant of the model works on this machine")

// clearly is the share of a more exact variant's time below which a variant is
// worth its rounding. Two trials of one variant differ by a few per cent.
const clearly = 0.9

// exactness orders variants from the most exact one: the first that is not
// clearly slower is taken. Names that are not here come last, as they are.
func exactness(name string) int {
	switch name {
	case "fp32":
		return 0
	case "int8":
		return 1
	case "int8-rr":
		return 2
	}
	return 3
}

// Pick chooses among the trials.
func Pick(trials []Trial) (string, Reason, error) {
	var passing []Trial
	var faults []string
	for _, t := range trials {
		if t.Passes {
			passing = append(passing, t)
		} else {
			faults = append(faults, t.Variant+": "+t.Fault)
		}
	}
	if len(passing) == 0 {
		return "", "", fmt.Errorf("%w: %s", ErrNone, strings.Join(faults, "; "))
	}
	fastest := passing[0]
	for _, t := range passing {
		if t.P50 < fastest.P50 {
			fastest = t
		}
	}
	best := fastest
	for _, t := range passing {
		if exactness(t.Variant) < exactness(best.Variant) && fastest.P50 > clearly*t.P50 {
			best = t
		}
	}
	switch {
	case len(passing) == 1 && len(trials) > 1:
		return best.Variant, Passed, nil
	case len(passing) == 1:
		return best.Variant, Only, nil
	case slowest(passing, best):
		return best.Variant, NoFaster, nil
	}
	return best.Variant, Fastest, nil
}

// slowest reports whether no other variant that passes is clearly slower than
// best: then its exactness decided.
func slowest(passing []Trial, best Trial) bool {
	for _, t := range passing {
		if t.Variant != best.Variant && best.P50 <= clearly*t.P50 {
			return false
		}
	}
	return true
}

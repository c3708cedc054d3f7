package gate

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"gourdian/models/evaluate"
)

// Answer is one labelled picture that trained neither model, and whether each
// named its class (the most probable one, sure or not).
type Answer struct {
	Class     string
	Group     int      // pictures of one group are not independent
	Slices    []string // "site:North field", "light:dark": places to look at apart
	Named     bool     // belongs to the problem that the candidate was made for
	Champion  bool     // the champion was right
	Candidate bool     // the candidate was right
}

// Rules are the bounds of a decision. The zero value is not usable: see
// DefaultRules.
type Rules struct {
	Alpha       float64 // of every test, one-sided
	Guarded     string  // class whose recall may not fall, "" = none
	GuardLoss   float64 // how far the lower end of its recall may fall
	NonInferior float64 // how much worse "no worse elsewhere" may be
	SliceLeast  int     // pictures that a slice needs to be looked at
	GroupsLeast int     // groups below which nothing is decided
	Seed        uint64  // of the bootstrap over groups
}

// DefaultRules are those of a grading task.
func DefaultRules() Rules {
	return Rules{Alpha: 0.05, Guarded: "bad", GuardLoss: 0.03, NonInferior: 0.01, SliceLeast: 100, GroupsLeast: 5, Seed: 1}
}

// Outcome of a comparison.
type Outcome string

// Outcomes.
const (
	Promote   Outcome = "promote"
	Reject    Outcome = "reject"
	Undecided Outcome = "undecided"
)

// Code names what spoke for an outcome; it has words in the catalogue.
type Code string

// Codes.
const (
	Better       Code = "better"        // right more often, and not by chance
	Mends        Code = "mends"         // better on the named problem, no worse elsewhere
	Worse        Code = "worse"         // right less often, and not by chance
	GuardFell    Code = "guard_fell"    // the guarded class is recognised less often
	SliceFell    Code = "slice_fell"    // a slice got worse
	GuardUnknown Code = "guard_unknown" // the guarded class may be recognised less often
	FewGroups    Code = "few_groups"    // too few groups to tell anything
	Alike        Code = "alike"         // the two differ on nothing
	NotShown     Code = "not_shown"     // a difference that may be chance
)

// Reason is a code with what it is about.
type Reason struct {
	Code    Code    `json:"code"`
	Subject string  `json:"subject,omitempty"` // class or slice
	P       float64 `json:"p"`                 // of the test behind it, 1 where there is none
}

// Record is a decision with everything that it rests on. Shares are 0 to 1.
type Record struct {
	Outcome Outcome  `json:"outcome"`
	Reasons []Reason `json:"reasons"`
	// More is how many more labelled pictures of new groups would probably decide,
	// 0 = no number of them is likely to, or the outcome is not Undecided.
	More   int `json:"more_labels"`
	Images int `json:"images"`
	Groups int `json:"groups"`
	// Both, Neither, Wins and Losses count pictures: right in both, in none, in
	// the candidate alone, in the champion alone.
	Both       int               `json:"both_right"`
	Neither    int               `json:"neither_right"`
	Wins       int               `json:"only_candidate_right"`
	Losses     int               `json:"only_champion_right"`
	P          float64           `json:"p_better"`
	Difference evaluate.Interval `json:"difference"` // candidate minus champion, by groups
	Guard      *Guard            `json:"guard,omitempty"`
	Named      *Side             `json:"named,omitempty"`
	Elsewhere  *Side             `json:"elsewhere,omitempty"`
	Rules      Rules             `json:"rules"`
}

// Guard is how the guarded class is recognised by both.
type Guard struct {
	Class     string            `json:"class"`
	Champion  evaluate.Interval `json:"champion"`
	Candidate evaluate.Interval `json:"candidate"`
	PWorse    float64           `json:"p_worse"`

	counts tally
}

// Side is the named problem, or everything else.
type Side struct {
	Images     int               `json:"images"`
	Groups     int               `json:"groups"`
	P          float64           `json:"p_better"`
	Difference evaluate.Interval `json:"difference"`
}

// Decide compares two models by their answers to the same pictures.
func Decide(answers []Answer, rules Rules) Record {
	whole := count(answers)
	r := Record{
		Images: whole.images, Groups: whole.groups, Both: whole.both, Neither: whole.neither, Wins: whole.wins, Losses: whole.losses,
		P: McNemar(whole.wins, whole.losses), Difference: difference(answers, rules.Seed), Rules: rules,
	}
	r.Guard = guard(answers, rules.Guarded)
	r.Named, r.Elsewhere = sides(answers, rules.Seed)
	if r.Groups < rules.GroupsLeast {
		return r.undecided(Reason{Code: FewGroups, P: 1})
	}
	if against := r.against(answers); len(against) > 0 {
		r.Outcome, r.Reasons = Reject, against
		return r
	}
	if r.Guard != nil && r.Guard.Candidate.Low < r.Guard.Champion.Low-rules.GuardLoss {
		return r.undecided(Reason{Code: GuardUnknown, Subject: rules.Guarded, P: r.Guard.PWorse})
	}
	switch {
	case r.P < rules.Alpha && r.Difference.Low > 0:
		r.Outcome, r.Reasons = Promote, []Reason{{Code: Better, P: r.P}}
	case r.mends():
		r.Outcome, r.Reasons = Promote, []Reason{{Code: Mends, P: r.Named.P}}
	case r.Wins+r.Losses == 0:
		return r.undecided(Reason{Code: Alike, P: 1})
	default:
		return r.undecided(Reason{Code: NotShown, P: r.P})
	}
	return r
}

// against is what speaks for a rejection by itself.
func (r *Record) against(answers []Answer) (reasons []Reason) {
	if worse := McNemar(r.Losses, r.Wins); worse < r.Rules.Alpha && r.Difference.High < 0 {
		reasons = append(reasons, Reason{Code: Worse, P: worse})
	}
	if g := r.Guard; g != nil && g.PWorse < r.Rules.Alpha {
		reasons = append(reasons, Reason{Code: GuardFell, Subject: g.Class, P: g.PWorse})
	}
	return append(reasons, fallen(answers, r.Rules)...)
}

// mends: better on the named problem, and no worse elsewhere by more than the
// rules allow.
func (r *Record) mends() bool {
	return r.Named != nil && r.Elsewhere != nil && r.Elsewhere.Groups >= r.Rules.GroupsLeast &&
		r.Named.P < r.Rules.Alpha && r.Named.Difference.Low > 0 && r.Elsewhere.Difference.Low > -r.Rules.NonInferior
}

func (r *Record) undecided(why Reason) Record {
	r.Outcome, r.Reasons = Undecided, []Reason{why}
	r.More = r.more(why)
	return *r
}

// mostPictures bounds what is worth saying: nobody labels more to tell two
// models apart.
const mostPictures = 20000

// more estimates how many labels are missing from the rate at which the models
// have differed so far.
func (r *Record) more(why Reason) int {
	perGroup := float64(r.Images) / math.Max(1, float64(r.Groups))
	switch why.Code {
	case FewGroups:
		return int(math.Ceil(float64(r.Rules.GroupsLeast-r.Groups) * math.Max(1, perGroup)))
	case Alike:
		return 0
	}
	wins, losses, images := r.Wins, r.Losses, r.Images
	if why.Code == GuardUnknown {
		wins, losses, images = r.Guard.counts.wins, r.Guard.counts.losses, r.Guard.counts.images
	}
	needed := Needed(float64(wins+losses)/float64(images), float64(wins-losses)/float64(images))
	if needed == 0 || needed > mostPictures {
		return 0
	}
	// The estimate rests on what was seen by chance: where it is already met,
	// a tenth more is the next try.
	return max(needed-images, (images+9)/10)
}

// tally counts answers.
type tally struct{ images, groups, both, neither, wins, losses int }

func count(answers []Answer) (t tally) {
	groups := map[int]struct{}{}
	for _, a := range answers {
		groups[a.Group] = struct{}{}
		switch {
		case a.Champion && a.Candidate:
			t.both++
		case a.Candidate:
			t.wins++
		case a.Champion:
			t.losses++
		default:
			t.neither++
		}
	}
	t.images, t.groups = len(answers), len(groups)
	return t
}

// fallen are the slices that got worse, with Holm's correction for looking at
// several. Source: S. Holm, Scand. J. Statist. 6 (1979), 65-70.
func fallen(answers []Answer, rules Rules) (reasons []Reason) {
	parts := map[string][]Answer{}
	for _, a := range answers {
		for _, s := range a.Slices {
			parts[s] = append(parts[s], a)
		}
	}
	var tests []Reason
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if t := count(parts[name]); t.images >= rules.SliceLeast {
			tests = append(tests, Reason{Code: SliceFell, Subject: name, P: McNemar(t.losses, t.wins)})
		}
	}
	slices.SortStableFunc(tests, func(a, b Reason) int { return cmp.Compare(a.P, b.P) })
	for i, t := range tests {
		if t.P >= rules.Alpha/float64(len(tests)-i) {
			break
		}
		reasons = append(reasons, t)
	}
	return reasons
}

// String implements fmt.Stringer for logs.
func (r Record) String() string {
	return fmt.Sprintf("%s: %d pictures of %d groups, only candidate right %d, only champion right %d, p %.4f",
		r.Outcome, r.Images, r.Groups, r.Wins, r.Losses, r.P)
}

package train

import (
	"fmt"

	"gourdian/models/dataset"
)

const (
	// leakAbove is the balanced accuracy that fruit in the field does not
	// allow: people who grade for a living agree on 90 to 95 %.
	leakAbove = 0.97
	// coarseLoss is how much of the balanced accuracy coarse pictures may cost.
	coarseLoss = 0.15
	// equalLeast is the share of verdicts that two variants should have in
	// common: a retrained head moves about as many.
	equalLeast = 0.95
	// lopsided is the ratio of the largest to the smallest class that is
	// warned about.
	lopsided = 5
)

// warn says in words what a reader of the figures must know.
func (l *learner) warn() {
	r := &l.out.Report
	say := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	most, least := 0, len(l.pictures)
	for k, name := range l.task.Names() {
		pictures, groups := l.count(k)
		most, least = max(most, pictures), min(least, pictures)
		switch {
		case groups < groupsFew:
			say("class %q has %d pictures from %d groups only: its figures are as uncertain as %d groups are", name, pictures, groups, groups)
		case pictures < picturesFew:
			say("class %q has %d pictures only: its figures are uncertain, look at the intervals", name, pictures)
		}
		if t := l.variant.Thresholds[k]; !t.Reached {
			say("class %q reaches a precision of %.2f at best, not %.2f: its calls are wrong more often than asked for", name, t.Precision, t.Target)
		}
	}
	if most > lopsided*least {
		say("the largest class has %d pictures, the smallest %d: more of the small one would help most", most, least)
	}
	across := 0
	for _, s := range r.Data.Suspects {
		if s.Fold {
			across++
		}
	}
	if across > 0 {
		first := r.Data.Suspects[0]
		for _, s := range r.Data.Suspects {
			if s.Fold {
				first = s
				break
			}
		}
		say("%d pairs of near-duplicates lie on both sides of a fold (such as %s and %s): the figures are too good if they show the same thing; give them one group", across, first.A, first.B)
	}
	balanced := *r.Figures.BalancedAccuracy
	if r.Data.Kind != dataset.KindRendered && balanced > leakAbove {
		say("a balanced accuracy of %.3f is more than graders agree among each other: suspect that background, light or camera tells the classes apart, unless they are as different as pumpkins and melons", balanced)
	}
	if !r.Baseline.Earned {
		say("learning has not earned its place: a rule of colour and size reaches %.3f, the model %.3f, and the difference may be chance", r.Baseline.BalancedAccuracy, balanced)
	}
	if coarse := r.Coarse.BalancedAccuracy; coarse != nil && balanced-*coarse > coarseLoss {
		say("on the same pictures shrunk to 48-112 pixels %.3f of %.3f are left: fine detail, or the resolution of a source, decides", *coarse, balanced)
	}
	for _, v := range r.Variants {
		if v.Equal < equalLeast {
			say("variant %s gives another verdict than %s for %.1f %% of the pictures: boards that run it grade otherwise", v.Name, r.Variants[0].Name, 100*(1-v.Equal))
		}
	}
	if len(l.pictures) < 200 {
		say("%d pictures in all: the novelty threshold and the probabilities rest on few", len(l.pictures))
	}
}

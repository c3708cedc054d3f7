package dataset

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"

	"gourdian/internal/wire"
)

// standing is a group with what decides its side: its first label and when that
// was given. Both stay what they were, whatever is labelled later.
type standing struct {
	Group   string
	Stratum wire.Verdict
	FirstAt int64
	Split   Split // "" = not decided yet
}

// decide gives every group that has none its side. Groups of a class take their
// turns in the order of their first labels, in rows: each row has one place in
// the golden set and one for validation, at places that a hash of class and row
// picks. So every class is set aside in its share, a group that comes later
// changes nothing of those before, and who knows the labels can work it out
// again. The places of the first row stand first: three groups of a class are
// enough to have one on each side.
func decide(groups []standing, goldenPercent int) {
	slices.SortFunc(groups, func(a, b standing) int {
		return cmp.Or(cmp.Compare(a.Stratum, b.Stratum), cmp.Compare(a.FirstAt, b.FirstAt), cmp.Compare(a.Group, b.Group))
	})
	length := max(len(Splits()), 100/max(goldenPercent, 1))
	at := 0
	for i := range groups {
		if i > 0 && groups[i].Stratum != groups[i-1].Stratum {
			at = 0
		}
		if groups[i].Split == "" {
			groups[i].Split = places(groups[i].Stratum, at/length, length)[at%length]
		}
		at++
	}
}

// places are the sides of one row of groups.
func places(class wire.Verdict, row, length int) []Split {
	sum := sha256.Sum256(fmt.Appendf(nil, "gourdian/split/1 %s %d", class, row))
	random := rand.New(rand.NewChaCha8(sum))
	out := make([]Split, length)
	for i := range out {
		out[i] = Train
	}
	out[0], out[1] = Golden, Validation
	shuffled := out
	if row == 0 {
		shuffled = out[:len(Splits())]
	}
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	return out
}

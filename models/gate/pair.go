package gate

import (
	"gourdian/models/dataset"
	"gourdian/models/evaluate"
)

// Pair puts together what two models said of the same pictures. Pictures that
// trained either model, or belong to a group that did, are in one report at
// most: they are left out. named tells by its file whether a picture belongs to
// the problem that the candidate was made for; nil = none does.
func Pair(champion, candidate *evaluate.Report, named func(file string) bool) []Answer {
	type picture struct {
		file string
		crop dataset.Crop
	}
	before := make(map[picture]evaluate.Prediction, len(champion.All))
	for _, p := range champion.All {
		before[picture{p.File, p.Crop}] = p
	}
	var out []Answer
	for _, p := range candidate.All {
		old, both := before[picture{p.File, p.Crop}]
		if !both {
			continue
		}
		out = append(out, Answer{
			Class: p.Class, Group: old.Group, Named: named != nil && named(p.File),
			Champion: old.Predicted == p.Class, Candidate: p.Predicted == p.Class,
		})
	}
	return out
}

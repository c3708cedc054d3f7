package dataset

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/quality"
	"gourdian/internal/wire"
)

// nearDuplicate is the largest distance of the fingerprints of one cluster, that
// by which pictures are left unlabelled as they come in: a wider one grows a
// whole source into one cluster.
const nearDuplicate = quality.NearDuplicate - 2

// sessionOf names what was taken at one go: the day of the field clock of a
// board, the visit of an import (its folders without those that are labels), the
// day on which a visitor gave it.
func sessionOf(s *sample.Sample) string {
	switch s.Source {
	case sample.FromBoard:
		return s.Captured().Format(time.DateOnly)
	case sample.FromImport:
		parts := strings.Split(path.Dir(s.Origin), "/")
		parts = slices.DeleteFunc(parts, func(part string) bool { return label.Known(wire.Verdict(part)) })
		return strings.Join(parts, "/")
	}
	return s.Received().Format(time.DateOnly)
}

// groupOf names the group of a picture. All cameras of a board look at one
// place, so they are one.
func groupOf(s *sample.Sample) string {
	if s.Source == sample.FromBoard {
		return string(s.Source) + "/" + s.Device + "/" + sessionOf(s)
	}
	return string(s.Source) + "/" + s.Site + "/" + sessionOf(s)
}

// clusters finds near-duplicates within each group, and names each cluster by
// the first of its pictures. One that is like no other has none.
func clusters(samples []*sample.Sample) map[string]string {
	byGroup := map[string][]*sample.Sample{}
	for _, s := range samples {
		byGroup[groupOf(s)] = append(byGroup[groupOf(s)], s)
	}
	out := map[string]string{}
	for _, group := range byGroup {
		slices.SortFunc(group, func(a, b *sample.Sample) int { return cmp.Compare(a.Hash, b.Hash) })
		clusterOne(group, out)
	}
	return out
}

// clusterOne joins the near-duplicates of one group, which is sorted: the root
// of a cluster is its first picture.
func clusterOne(group []*sample.Sample, out map[string]string) {
	parent := make([]int, len(group))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i, a := range group {
		for j := i + 1; j < len(group); j++ {
			b := group[j]
			if a.Camera == b.Camera && quality.Fingerprint(a.Fingerprint).Distance(quality.Fingerprint(b.Fingerprint)) <= nearDuplicate {
				first, second := root(i), root(j)
				parent[max(first, second)] = min(first, second)
			}
		}
	}
	for i, s := range group {
		if at := root(i); at != i {
			out[s.Hash], out[group[at].Hash] = group[at].Hash, group[at].Hash
		}
	}
}

package dataset

import (
	"context"
	"fmt"

	"gourdian/internal/wire"
)

// Reason is why the data does not suffice: one for each class and fault.
type Reason struct {
	Code       string       `json:"code"` // Few or Side
	Class      wire.Verdict `json:"class"`
	Pictures   int          `json:"pictures"` // that are there
	Groups     int          `json:"groups"`
	NeedImages int          `json:"need_pictures"`
	NeedGroups int          `json:"need_groups"`
	Split      Split        `json:"split,omitempty"` // on which the class is missing
}

// Codes of reasons; the catalogue has words for them ("hub.task.lack.<code>").
const (
	Few  = "few"  // too few pictures or groups of a class
	Side = "side" // one side of the split has none of a class
)

// String says it in English, for programs and logs.
func (r Reason) String() string {
	if r.Code == Side {
		return fmt.Sprintf("%s: none of its %d groups stands in %s; label pictures of further visits", r.Class, r.Groups, r.Split)
	}
	return fmt.Sprintf("%s: %d pictures of %d visits; at least %d of %d are needed", r.Class, r.Pictures, r.Groups, r.NeedImages, r.NeedGroups)
}

// Enough says whether the labels as they are now suffice to train, and if not,
// what is missing.
func (s *Store) Enough(ctx context.Context) (ok bool, reasons []Reason, err error) {
	m, err := s.Now(ctx)
	if err != nil {
		return false, nil, err
	}
	reasons = s.Lacks(m)
	return len(reasons) == 0, reasons, nil
}

// Lacks says what a manifest misses for training, nothing = it suffices.
func (s *Store) Lacks(m *Manifest) []Reason {
	now, counts := s.settings(), m.Count()
	var out []Reason
	for _, class := range m.Classes {
		all := counts.Class[class]
		r := Reason{Class: class, Pictures: all.Pictures, Groups: all.Groups, NeedImages: now.LeastPictures, NeedGroups: now.LeastGroups}
		if all.Pictures < now.LeastPictures || all.Groups < now.LeastGroups {
			r.Code = Few
			out = append(out, r)
			continue
		}
		for _, side := range Splits() {
			if counts.Cells[class][side].Pictures == 0 {
				r.Code, r.Split = Side, side
				out = append(out, r)
			}
		}
	}
	return out
}

package dataset

import "gourdian/internal/wire"

// Relabelled is a picture that has another class than before.
type Relabelled struct {
	Image string       `json:"image"`
	From  wire.Verdict `json:"from"`
	To    wire.Verdict `json:"to"`
}

// Difference is what tells one data set from an earlier one.
type Difference struct {
	Added      []Picture    `json:"added"`
	Removed    []Picture    `json:"removed"`
	Relabelled []Relabelled `json:"relabelled"`
}

// Compare says what changed from one data set to another.
func Compare(from, to *Manifest) Difference {
	d := Difference{Added: []Picture{}, Removed: []Picture{}, Relabelled: []Relabelled{}}
	before := map[string]*Picture{}
	for i := range from.Pictures {
		before[from.Pictures[i].Image] = &from.Pictures[i]
	}
	for i := range to.Pictures {
		now := &to.Pictures[i]
		was, there := before[now.Image]
		switch {
		case !there:
			d.Added = append(d.Added, *now)
		case was.Class != now.Class:
			d.Relabelled = append(d.Relabelled, Relabelled{now.Image, was.Class, now.Class})
		}
		delete(before, now.Image)
	}
	for i := range from.Pictures { // in their order
		if _, gone := before[from.Pictures[i].Image]; gone {
			d.Removed = append(d.Removed, from.Pictures[i])
		}
	}
	return d
}

package gate

import (
	"math"
	"slices"

	"gourdian/models/evaluate"
)

// guard compares the recall of one class. nil where it has no picture.
func guard(answers []Answer, class string) *Guard {
	t := count(slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool { return a.Class != class }))
	if class == "" || t.images == 0 {
		return nil
	}
	return &Guard{
		Class: class, PWorse: McNemar(t.losses, t.wins), counts: t,
		Champion:  evaluate.Wilson(t.both+t.losses, t.images),
		Candidate: evaluate.Wilson(t.both+t.wins, t.images),
	}
}

// sides parts the named problem from the rest; nil where one of them is empty.
func sides(answers []Answer, seed uint64) (named, elsewhere *Side) {
	var in, out []Answer
	for _, a := range answers {
		if a.Named {
			in = append(in, a)
		} else {
			out = append(out, a)
		}
	}
	if len(in) == 0 || len(out) == 0 {
		return nil, nil
	}
	return side(in, seed), side(out, seed)
}

func side(answers []Answer, seed uint64) *Side {
	t := count(answers)
	return &Side{Images: t.images, Groups: t.groups, P: McNemar(t.wins, t.losses), Difference: difference(answers, seed)}
}

// difference is the mean of candidate minus champion over the pictures, with
// its interval over resampled groups.
func difference(answers []Answer, seed uint64) evaluate.Interval {
	if len(answers) == 0 {
		return evaluate.Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	numbers := map[int]int{}
	var gain, size []float64
	for _, a := range answers {
		n, known := numbers[a.Group]
		if !known {
			n = len(numbers)
			numbers[a.Group] = n
			gain, size = append(gain, 0), append(size, 0)
		}
		size[n]++
		switch {
		case a.Candidate && !a.Champion:
			gain[n]++
		case a.Champion && !a.Candidate:
			gain[n]--
		}
	}
	return evaluate.NewBootstrap(len(numbers), seed).Interval(func(weight []uint8) float64 {
		sum, n := 0.0, 0.0
		for g, w := range weight {
			sum += float64(w) * gain[g]
			n += float64(w) * size[g]
		}
		return sum / n
	})
}

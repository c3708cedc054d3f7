package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// The first third of a run fills caches and pools and is not judged. Over the
// rest a line is laid through the samples: the median of the slopes between
// any two of them, which a single sample, high or low, does not turn. What
// that line rises by from the first judged sample to the last must stay within
// the allowance of its quantity.
const (
	memoryShare     = 0.05 // of the median
	memoryMB        = 4.0  // where that is more
	fdAllowance     = 2.0
	routinesAllowed = 4.0
)

// series is one quantity of a board over time.
type series struct {
	name    string
	values  []float64
	allowed float64 // rise; 0 = memory
}

// judgeAll prints what each quantity does and returns an error for each fault.
func judgeAll(out io.Writer, boards []*board) error {
	var faults []error
	fmt.Fprintf(out, "\nAfter the first third: the median, and the rise of the line through the samples (median of all slopes)\n")
	for _, b := range boards {
		judged := b.samples[len(b.samples)/3:]
		if len(judged) < 4 {
			faults = append(faults, fmt.Errorf("board %s: %d samples are too few to judge", b.name, len(b.samples)))
			continue
		}
		for _, s := range quantities(judged) {
			rise, allowed := s.rise(judged), s.allowance()
			word := "steady"
			if rise > allowed {
				word = "GROWS"
				faults = append(faults, fmt.Errorf("board %s: %s rose by %.1f from a median of %.1f, allowed are %.1f", b.name, s.name, rise, median(s.values), allowed))
			}
			fmt.Fprintf(out, "  %-8s %-20s median %8.1f   rise %+7.2f   allowed %6.1f   %s\n", b.name, s.name, median(s.values), rise, allowed, word)
		}
		faults = append(faults, b.checkWork(out, judged)...)
	}
	return errors.Join(faults...)
}

// checkWork asks whether the board did anything that could have grown.
func (b *board) checkWork(out io.Writer, judged []sample) (faults []error) {
	first, last := judged[0], judged[len(judged)-1]
	fmt.Fprintf(out, "  %-8s frames scored %d, records stored %d; in the judged time %d frames and %d records\n",
		b.name, last.scored, last.records, last.scored-first.scored, last.records-first.records)
	if last.scored <= first.scored {
		faults = append(faults, fmt.Errorf("board %s: no frame was scored", b.name))
	}
	if last.records <= first.records {
		faults = append(faults, fmt.Errorf("board %s: no record was stored", b.name))
	}
	for i, s := range b.samples[1:] {
		before := b.samples[i]
		if s.infer.pid != before.infer.pid || s.camera.pid != before.camera.pid {
			faults = append(faults, fmt.Errorf("board %s: a worker was started again by %v", b.name, s.at.Round(time.Second)))
		}
	}
	return faults
}

func quantities(samples []sample) []series {
	pick := func(name string, allowed float64, of func(sample) float64) series {
		s := series{name: name, allowed: allowed}
		for _, one := range samples {
			s.values = append(s.values, of(one))
		}
		return s
	}
	return []series{
		pick("agent RSS MB", 0, func(s sample) float64 { return s.agent.rssMB }),
		pick("infer RSS MB", 0, func(s sample) float64 { return s.infer.rssMB }),
		pick("camera RSS MB", 0, func(s sample) float64 { return s.camera.rssMB }),
		pick("agent open files", fdAllowance, func(s sample) float64 { return float64(s.agent.fds) }),
		pick("infer open files", fdAllowance, func(s sample) float64 { return float64(s.infer.fds) }),
		pick("camera open files", fdAllowance, func(s sample) float64 { return float64(s.camera.fds) }),
		pick("agent goroutines", routinesAllowed, func(s sample) float64 { return float64(s.goroutines) }),
	}
}

func (s series) allowance() float64 {
	if s.allowed > 0 {
		return s.allowed
	}
	return max(memoryMB, memoryShare*median(s.values))
}

// rise is what the line through the values rises by over their time.
func (s series) rise(at []sample) float64 {
	var slopes []float64
	for i := range s.values {
		for j := range i {
			if span := (at[i].at - at[j].at).Seconds(); span > 0 {
				slopes = append(slopes, (s.values[i]-s.values[j])/span)
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return median(slopes) * (at[len(at)-1].at - at[0].at).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

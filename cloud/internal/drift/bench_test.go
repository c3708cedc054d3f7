package drift

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gourdian/internal/sketch"
)

// The simulated fleet of docs/testing.md: 100 cameras, 60 sightings a day, six
// signals and a place of 16 axes, with an offset of every day in each. After
// 45 days of learning come 60 in which nothing happens, then 30 in which one
// signal of ten cameras moves by one standard deviation.
const (
	benchCameras = 100
	learnDays    = 45
	quietDays    = 60
	shiftDays    = 30
	shifted      = 10
)

// BenchmarkFleet prints false alarms in 30 days and days to detect, beside the
// Kolmogorov-Smirnov test with Bonferroni's correction on the same streams.
func BenchmarkFleet(b *testing.B) {
	for _, one := range []struct{ daySD, lasts float64 }{{0, 0}, {0.2, 0}, {0.4, 0}, {0.4, 0.6}} {
		b.Run(fmt.Sprintf("daySD=%v,lasts=%v", one.daySD, one.lasts), func(b *testing.B) {
			for b.Loop() {
				run := newBenchRun(one.daySD, one.lasts)
				ours := run.fleet.watch(learnDays, learnDays+quietDays+shiftDays)
				report(b, "ours", run.falseAlarms(ours.raised), run.detected(ours.raised))
				for name, rule := range map[string]func(date, camera int) bool{"KS": run.ks.perCamera, "KS-lasting": run.ks.lasting} {
					raised := run.raise(rule)
					report(b, name, run.falseAlarms(raised), run.detected(raised))
					b.ReportMetric(run.falseDays(rule), name+"-false-days/30d")
				}
			}
		})
	}
}

func report(b *testing.B, who string, falseAlarms float64, days []int) {
	b.Helper()
	b.ReportMetric(falseAlarms, who+"-false/30d")
	b.ReportMetric(float64(len(days)), who+"-found")
	if len(days) > 0 {
		slices.Sort(days)
		b.ReportMetric(float64(days[len(days)/2]), who+"-days")
	}
}

type benchRun struct {
	fleet *fleet
	ks    *ksRule
}

func newBenchRun(daySD, lasts float64) *benchRun {
	w := newWorld(7, daySD)
	w.lasts = lasts
	const begins = learnDays + quietDays
	w.edit = func(camera, date int, g *[signals]float64, _ *sketch.Sight) {
		if camera < shifted && date >= begins {
			g[camera%signals]++
		}
	}
	run := &benchRun{fleet: newFleet(w, benchCameras), ks: newKS(benchCameras, begins+shiftDays)}
	for date := range begins + shiftDays {
		for camera := range benchCameras {
			day, values := w.day(camera, date)
			run.fleet.days[camera] = append(run.fleet.days[camera], day)
			run.ks.add(camera, date, values)
		}
	}
	run.fleet.block()
	return run
}

// raised lists the days on which a camera's alarm begins.
type raised map[int][]int

// raise turns a rule for days into alarms that begin when the rule first holds
// and end when it has not for five days, as ours do.
func (r *benchRun) raise(rule func(date, camera int) bool) raised {
	all := raised{}
	for camera := range benchCameras {
		last := -Watched - 1
		for date := learnDays; date < learnDays+quietDays+shiftDays; date++ {
			if !rule(date, camera) {
				continue
			}
			if date-last > Watched {
				all[camera] = append(all[camera], date)
			}
			last = date
		}
	}
	return all
}

// falseAlarms are those of the quiet days, for 30 of them.
func (r *benchRun) falseAlarms(all raised) float64 {
	n := 0
	for _, dates := range all {
		for _, date := range dates {
			if date < learnDays+quietDays {
				n++
			}
		}
	}
	return float64(n) * month / quietDays
}

// falseDays are the days of cameras in the quiet time for which a rule holds.
func (r *benchRun) falseDays(rule func(date, camera int) bool) float64 {
	n := 0
	for camera := range benchCameras {
		for date := learnDays; date < learnDays+quietDays; date++ {
			if rule(date, camera) {
				n++
			}
		}
	}
	return float64(n) * month / quietDays
}

// detected are the days from the shift to the alarm, 1 = on its first day. An
// alarm that was there before finds nothing.
func (r *benchRun) detected(all raised) (days []int) {
	const begins = learnDays + quietDays
	for camera := range shifted {
		for _, date := range all[camera] {
			if date >= begins {
				days = append(days, date-begins+1)
				break
			}
		}
	}
	return days
}

// ksRule is the usual rule: every signal of a day against the pooled sightings
// of the first 30 days by the Kolmogorov-Smirnov test, an alarm where the
// smallest p-value of a camera is below 0.05 / signals.
type ksRule struct {
	reference [][signals][]float64 // by camera, sorted
	least     [][]float64          // by camera and day
}

const referenceDays = 30

func newKS(cameras, days int) *ksRule {
	k := &ksRule{reference: make([][signals][]float64, cameras), least: make([][]float64, cameras)}
	for i := range k.least {
		k.least[i] = make([]float64, days)
	}
	return k
}

func (k *ksRule) add(camera, date int, values [][signals]float64) {
	k.least[camera][date] = 1
	for s := range signals {
		one := make([]float64, len(values))
		for i := range values {
			one[i] = values[i][s]
		}
		ref := &k.reference[camera][s]
		if date < referenceDays {
			*ref = append(*ref, one...)
			continue
		}
		if date == referenceDays {
			slices.Sort(*ref)
		}
		slices.Sort(one)
		k.least[camera][date] = min(k.least[camera][date], kolmogorov(one, *ref))
	}
}

func (k *ksRule) perCamera(date, camera int) bool { return k.least[camera][date] < 0.05/signals }

// lasting asks for two of five days, as ours does.
func (k *ksRule) lasting(date, camera int) bool {
	n := 0
	for d := date; d > date-Watched; d-- {
		if k.perCamera(d, camera) {
			n++
		}
	}
	return n >= Chosen && k.perCamera(date, camera)
}

// kolmogorov is the asymptotic p-value of the two-sample test of sorted values.
func kolmogorov(a, b []float64) float64 {
	far, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		if a[i] <= b[j] {
			i++
		} else {
			j++
		}
		far = max(far, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	n := math.Sqrt(float64(len(a)*len(b)) / float64(len(a)+len(b)))
	lambda := (n + 0.12 + 0.11/n) * far
	p, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		p += sign * math.Exp(-2*k*k*lambda*lambda)
		sign = -sign
	}
	return min(max(2*p, 0), 1)
}

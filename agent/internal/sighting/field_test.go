package sighting

import (
	"testing"
	"time"

	"gourdian/internal/field"
	"gourdian/internal/vision"
)

// Structure, which needs no network, on rendered frames: what light does to a
// thing at rest stays well below what its coming and going does. The scales in
// appearance.go rest on that gap; the whole hour with the real network is in
// package pipeline.
func TestLightChangesTheStructureOfRenderedFramesLessThanVisitsDo(t *testing.T) {
	t.Parallel()
	s, err := field.ParseScene("seed=21&width=224&height=224&visits=40")
	if err != nil {
		t.Fatal(err)
	}
	const between = 0.05
	for _, v := range s.Visits(s.Start(), s.Start().Add(6*time.Minute)) {
		before := rendered(t, s, v.Arrive.Add(-time.Second))
		last := rendered(t, s, v.Arrive.Add(2*time.Second))
		if d := structureChange(before, last); d < between {
			t.Errorf("%s came at %v: structure changed by %.3f only", v.Thing.Kind, v.Arrive.Format(time.TimeOnly), d)
		}
		for at := v.Arrive.Add(12 * time.Second); at.Before(v.Leave.Add(-2 * time.Second)); at = at.Add(10 * time.Second) {
			now := rendered(t, s, at)
			if d := structureChange(last, now); d > between {
				t.Errorf("%s at rest at %v: structure changed by %.3f", v.Thing.Kind, at.Format(time.TimeOnly), d)
			}
			last = now
		}
		if d := structureChange(last, rendered(t, s, v.Leave.Add(time.Second))); d < between {
			t.Errorf("%s left at %v: structure changed by %.3f only", v.Thing.Kind, v.Leave.Format(time.TimeOnly), d)
		}
	}
}

func rendered(t *testing.T, s *field.Scene, at time.Time) *Appearance {
	t.Helper()
	var im vision.Image
	s.Render(&im, at)
	tensor := make(vision.Tensor, vision.TensorLen)
	if err := vision.Prepare(tensor, im, vision.Zone{}); err != nil {
		t.Fatal(err)
	}
	return newAppearance(tensor.Grey().Half(), nil)
}

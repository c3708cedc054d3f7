package uplink

import (
	"testing"
	"time"
)

func TestHoursOfAFieldThatRunsFastAreToldAsTheyEnd(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 10, 4, 6, 10, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		speed float64
		want  time.Duration // until the next look, after the second one
	}{
		"a real field":      {1, time.Hour},
		"a rendered field":  {60, time.Second + 40*time.Minute/60}, // at twenty past
		"a silent camera":   {0, time.Hour},
		"a clock set back":  {-100, measureFor},
		"faster than looks": {3600, time.Second + 50*time.Minute/3600}, // at ten past, ten hours later
	} {
		p := summaryPass{next: begin.Add(time.Hour)}
		p.pace(begin, begin)
		if got := p.next.Sub(begin); got != measureFor {
			t.Errorf("%s: the second look comes after %v", name, got)
		}
		now := begin.Add(measureFor)
		p.next = now.Add(time.Hour)
		p.pace(now, begin.Add(time.Duration(c.speed*float64(measureFor))))
		if got := p.next.Sub(now); (got - c.want).Abs() > time.Millisecond {
			t.Errorf("%s: the third look comes after %v, want %v", name, got, c.want)
		}
	}
}

package choose

import (
	"errors"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	t.Parallel()
	passes := func(name string, ms float64) Trial { return Trial{Variant: name, Passes: true, P50: ms} }
	fails := func(name string) Trial { return Trial{Variant: name, Fault: "golden frame failed"} }
	for name, c := range map[string]struct {
		trials []Trial
		want   string
		why    Reason
	}{
		"with VNNI":                          {[]Trial{passes("fp32", 6.2), passes("int8", 2.6), passes("int8-rr", 2.6)}, "int8", Fastest},
		"the reduced range first by chance":  {[]Trial{passes("fp32", 6.2), passes("int8", 2.65), passes("int8-rr", 2.55)}, "int8", Fastest},
		"AVX2 without VNNI":                  {[]Trial{passes("fp32", 6.2), fails("int8"), passes("int8-rr", 4)}, "int8-rr", Fastest},
		"integers slower than floats":        {[]Trial{passes("fp32", 6), passes("int8", 11), passes("int8-rr", 12)}, "fp32", Fastest},
		"integers hardly faster than floats": {[]Trial{passes("fp32", 6), passes("int8", 5.7), passes("int8-rr", 5.6)}, "fp32", NoFaster},
		"only floats are right":              {[]Trial{passes("fp32", 6), fails("int8"), fails("int8-rr")}, "fp32", Passed},
		"one variant":                        {[]Trial{passes("int8", 6)}, "int8", Only},
		"a variant of another kind":          {[]Trial{passes("fp32", 6), passes("fp16", 2)}, "fp16", Fastest},
	} {
		got, why, err := Pick(c.trials)
		if err != nil || got != c.want || why != c.why {
			t.Errorf("%s: %s because %s, %v; want %s because %s", name, got, why, err, c.want, c.why)
		}
	}
	_, _, err := Pick([]Trial{fails("fp32"), fails("int8")})
	if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "int8: golden frame failed") {
		t.Errorf("nothing passes: %v", err)
	}
}

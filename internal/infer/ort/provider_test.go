package ort

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gourdian/internal/infer"
)

var errGraph = errors.New("malformed")

func TestProvidersAreTriedInOrderAndNothingIsReplacedInSilence(t *testing.T) {
	t.Parallel()
	faults := map[string]error{
		"absent": fmt.Errorf("provider absent: %w", errNoProvider),
		"idle":   fmt.Errorf("provider idle: %w: no operator", errNoProvider),
		"wrong":  fmt.Errorf("on it: %w", infer.ErrGolden),
		"broken": errGraph,
	}
	for name, c := range map[string]struct {
		asked    []string
		require  string
		tried    string
		obtained string
		missed   []string
		is       error
	}{
		"the first works":           {[]string{"good", "cpu"}, "", "good", "good", nil, nil},
		"the third works":           {[]string{"absent", "idle", "cpu"}, "", "absent idle cpu", "cpu", []string{"absent", "idle"}, nil},
		"wrong scores":              {[]string{"wrong", "cpu"}, "", "wrong cpu", "cpu", []string{"wrong"}, nil},
		"none works":                {[]string{"absent", "idle"}, "", "absent idle", "", nil, infer.ErrProvider},
		"absent or wrong":           {[]string{"absent", "wrong"}, "", "absent wrong", "", nil, infer.ErrGolden},
		"a broken graph":            {[]string{"broken", "cpu"}, "", "broken", "", nil, errGraph},
		"required and there":        {[]string{"absent", "good", "cpu"}, "good", "good", "good", nil, nil},
		"required and absent":       {[]string{"absent", "cpu"}, "absent", "absent", "", nil, infer.ErrProvider},
		"required and idle":         {[]string{"idle", "cpu"}, "idle", "idle", "", nil, infer.ErrProvider},
		"required and wrong":        {[]string{"wrong", "cpu"}, "wrong", "wrong", "", nil, infer.ErrGolden},
		"required, a broken graph":  {[]string{"cpu"}, "broken", "broken", "", nil, errGraph},
		"required, not in the list": {[]string{"cpu"}, "absent", "absent", "", nil, infer.ErrProvider},
	} {
		var tried []string
		obtained, missed, err := obtain(c.asked, c.require, func(p string) error {
			tried = append(tried, p)
			return faults[p]
		})
		var names []string
		for _, m := range missed {
			names = append(names, m.Provider)
			if m.Why != faults[m.Provider].Error() {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if obtained != c.obtained || strings.Join(tried, " ") != c.tried || !slices.Equal(names, c.missed) || !errors.Is(err, c.is) || (err == nil) != (c.is == nil) {
			t.Errorf("%s: tried %v, obtained %q, missed %v, %v", name, tried, obtained, names, err)
		}
		if c.is != nil && c.is != infer.ErrProvider && errors.Is(err, infer.ErrProvider) {
			t.Errorf("%s: %v is blamed on the provider", name, err)
		}
	}
}

func TestReasonOfALibraryThatTalksMuchIsCut(t *testing.T) {
	t.Parallel()
	_, missed, err := obtain([]string{"cuda", "cpu"}, "", func(p string) error {
		if p == "cuda" {
			return noProvider{errors.New(strings.Repeat("ñ", 1<<20))}
		}
		return nil
	})
	if err != nil || len(missed) != 1 || len(missed[0].Why) > whyMost+4 || !utf8.ValidString(missed[0].Why) {
		t.Errorf("%d bytes, %v", len(missed[0].Why), err)
	}
}

func TestEveryProviderHasTheRuntimesName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range infer.Providers() {
		long := runtimeName(name)
		if !strings.HasSuffix(long, "ExecutionProvider") || seen[long] {
			t.Errorf("%s: %q", name, long)
		}
		seen[long] = true
	}
}

func event(name, provider string) string {
	return fmt.Sprintf(`{"cat":"Node","pid":1,"tid":2,"dur":7,"ts":9,"ph":"X","name":%q,"args":{"provider":%q,"op_name":"Conv"}}`, name, provider)
}

func TestOperatorsAreCountedByWhoRanThem(t *testing.T) {
	t.Parallel()
	const session = `{"cat":"Session","pid":1,"tid":2,"dur":7,"ts":9,"ph":"X","name":"model_run","args":{}}`
	for name, c := range map[string]struct {
		profile []string
		want    map[string]int
	}{
		"part on the asked one": {[]string{session, event("a_kernel_time", "XnnpackExecutionProvider"), event("b_kernel_time", "XnnpackExecutionProvider"), event("c_kernel_time", "CPUExecutionProvider")}, map[string]int{"xnnpack": 2, "cpu": 1}},
		"all fell to the CPU":   {[]string{session, event("a_kernel_time", "CPUExecutionProvider")}, map[string]int{"cpu": 1}},
		"fences do not count":   {[]string{event("a_fence_before", "CPUExecutionProvider"), event("a_kernel_time", "CUDAExecutionProvider")}, map[string]int{"cuda": 1}},
		"operators of no name":  {[]string{event("_kernel_time", "CPUExecutionProvider"), event("_kernel_time", "CPUExecutionProvider")}, map[string]int{"cpu": 2}},
		"one that nobody knows": {[]string{event("a_kernel_time", "AbacusExecutionProvider")}, map[string]int{"AbacusExecutionProvider": 1}},
	} {
		got, err := assigned(strings.NewReader("[" + strings.Join(c.profile, ",\n") + "]"))
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
	for name, profile := range map[string]string{
		"empty": "", "no list": "{}", "cut off": "[" + event("a_kernel_time", "CPUExecutionProvider"), "no operator": "[" + session + "]",
	} {
		if got, err := assigned(strings.NewReader(profile)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

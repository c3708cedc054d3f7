package infer

import (
	"slices"
	"strings"
	"testing"
)

func TestParseProviders(t *testing.T) {
	t.Parallel()
	for names, want := range map[string][]string{"": {"cpu"}, "cpu": {"cpu"}, "cuda,xnnpack,cpu": {"cuda", "xnnpack", "cpu"}, "xnnpack": {"xnnpack"}} {
		if got, err := ParseProviders(names); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", names, got, err)
		}
	}
	for names, says := range map[string]string{"abacus": `"abacus" is unknown`, "cpu,": `"" is unknown`, "cpu, cuda": `" cuda" is unknown`, "CPU": `"CPU" is unknown`, "cpu,cuda,cpu": "twice"} {
		if got, err := ParseProviders(names); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v", names, got, err)
		}
	}
}

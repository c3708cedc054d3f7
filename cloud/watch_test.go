package cloud

import (
	"strings"
	"testing"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/health"
	"gourdian/internal/web"
)

func TestServiceManagerIsToldTheWorstInWords(t *testing.T) {
	t.Parallel()
	texts, err := web.Load()
	if err != nil {
		t.Fatal(err)
	}
	words := texts.In(web.English)
	full := health.Condition{Code: "disk_full", Severity: health.Serious, Args: map[string]string{"free": "0.1 GB"}}
	silent := health.Condition{Code: "board_silent", Severity: health.Warning, Args: map[string]string{"name": "North"}}
	note := health.Condition{Code: "board_silent", Severity: health.Note}
	for _, tc := range []struct {
		name  string
		wrong []health.Condition
		want  []string
	}{
		{"nothing", nil, []string{"All well.", "connected: 3"}},
		{"a note alone", []health.Condition{note}, []string{"All well."}},
		{"one thing", []health.Condition{full}, []string{"0.1 GB"}},
		{"several", []health.Condition{full, silent}, []string{"0.1 GB", "And 1 more"}},
	} {
		line := statusLine(words, tc.wrong, broker.Stats{Connected: 3})
		for _, want := range tc.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %q lacks %q", tc.name, line, want)
			}
		}
		if len(tc.wrong) > 0 && tc.wrong[0].Severity == health.Serious && strings.Contains(line, "All well") {
			t.Errorf("%s: %q", tc.name, line)
		}
	}
}

package page

import (
	"strings"
	"testing"

	"gourdian/agent/internal/live"
	"gourdian/internal/infer/choose"
)

func TestPageSaysWhatTheModelRunsOnAndWhyNothingBetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	for name, c := range map[string]struct {
		edit func(*live.Model)
		says []string
	}{
		"as asked": {func(m *live.Model) { m.Asked, m.Provider = "cpu", "cpu" }, []string{"<dd>cpu, as asked</dd>"}},
		"the second": {func(m *live.Model) {
			m.Asked, m.Provider, m.Missed = "cuda,cpu", "cpu", []live.ProviderMiss{{Provider: "cuda", Why: "<none> in this library"}}
		}, []string{"cpu, the first of cuda, cpu that works here", "<li>Not cuda: &lt;none&gt; in this library</li>"}},
		"a part": {func(m *live.Model) {
			m.Asked, m.Provider, m.Operators = "xnnpack,cpu", "xnnpack", map[string]int{"xnnpack": 40, "cpu": 12}
		}, []string{"xnnpack, as asked (it runs 40 of 52 operators of the model, the processor the others)"}},
	} {
		r.hub.UpdateModel(func(m *live.Model) { m.Missed, m.Operators = nil, nil; c.edit(m) })
		page := r.get("/health").Body.String()
		for _, want := range c.says {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
	}
	r.hub.UpdateModel(func(m *live.Model) {
		m.Asked, m.Provider, m.Missed = "cuda,cpu", "cpu", []live.ProviderMiss{{Provider: "cuda", Why: "no"}}
		m.Operators = map[string]int{"cpu": 7}
	})
	status := r.get("/api/v1/status").Body.String()
	if want := `"provider":"cpu","provider_asked":"cuda,cpu","providers_missed":[{"provider":"cuda","why":"no"}],"provider_operators":{"cpu":7}`; !strings.Contains(status, want) {
		t.Errorf("the status lacks %s", want)
	}
}

func TestPageSaysWhichVariantRunsAndWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.showModel()
	r.hub.UpdateModel(func(m *live.Model) {
		m.Variant, m.VariantWhy = "int8-rr", string(choose.Fastest)
		m.Tried = []live.VariantTime{{Name: "fp32", Millis: 6.21, Passes: true}, {Name: "int8"}, {Name: "int8-rr", Millis: 4, Passes: true}}
	})
	english := r.get("/health").Body.String()
	if want := "int8-rr, the most exact of the fastest ones that give the right answers here (fp32 6.2 ms, int8 failed its test here, int8-rr 4.0 ms)"; !strings.Contains(english, want) {
		t.Errorf("the page does not say %q", want)
	}
	status := r.get("/api/v1/status").Body.String()
	for _, want := range []string{`"variant_why":"fastest"`, `{"name":"int8","ms_p50":0,"passes_golden":false}`} {
		if !strings.Contains(status, want) {
			t.Errorf("the status lacks %s", want)
		}
	}
	r.hub.UpdateModel(func(m *live.Model) { m.VariantWhy, m.Tried = string(choose.Asked), nil })
	if text := r.get("/health").Body.String(); !strings.Contains(text, "<dd>int8-rr, as the config says</dd>") {
		t.Error("the page does not say that the config names the variant")
	}
}

package doctor

import (
	"slices"

	"gourdian/agent/internal/live"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/worker"
)

// modelFromState says of the model what the running agent knows: its worker
// serves only after its golden frames have passed.
func modelFromState(state live.State, bundle string, pace float64) []Result {
	m := state.Model
	if m == nil {
		return []Result{is(runtimeUnseen).under(library), withoutModel(state, bundle)}
	}
	switch {
	case m.WorkerNote == worker.CodeStarting:
		return []Result{is(runtimeUnseen).under(library), is(modelStarting, "name", m.Name)}
	case m.WorkerNote != "":
		return []Result{is(runtimeUnseen).under(library), is(modelDown, "name", m.Name)}
	}
	found := judgeOrigin(m.Name, m.TrainedOn, m.Images)
	info := infer.Info{Library: m.Library, ProviderObtained: m.Provider}
	results := []Result{judgeLibrary(info, m.Asked), found}
	millis := m.InferMillis
	if len(m.Tried) == 0 {
		r := is(variantUntimed, "variant", m.Variant)
		if millis > 0 {
			r = is(variantOnly, "variant", m.Variant, "ms", millis).measured(millis, "ms")
		}
		return append(results, r.of(m.Variant), judgePace(millis, pace))
	}
	var trials []choose.Trial
	for _, t := range m.Tried {
		trials = append(trials, choose.Trial{Variant: t.Name, Passes: t.Passes, P50: t.Millis})
		if t.Name == m.Variant && millis == 0 {
			millis = t.Millis
		}
	}
	return append(append(results, judgeTrials(trials, bundle)...), judgePace(millis, pace))
}

// withoutModel says why a running agent has none, by what it raised.
func withoutModel(state live.State, bundle string) Result {
	at := slices.IndexFunc(state.Conditions, func(c live.Condition) bool {
		return slices.Contains([]string{"model_missing", "model_refused", "model_newer", "model_choosing", "provider_missing", "workers_mismatch"}, c.Code)
	})
	if at < 0 {
		return is(modelStarting, "name", "")
	}
	c := state.Conditions[at]
	switch c.Code {
	case "model_missing":
		return is(modelMissing, "path", bundle)
	case "provider_missing":
		return is(runtimeProvider, "why", c.Args["why"]).under(library)
	case "model_newer":
		return is(modelNewer, "why", c.Args["why"])
	case "model_choosing":
		return is(modelStarting, "name", "")
	}
	return is(modelRefused, "path", bundle, "why", c.Args["why"])
}

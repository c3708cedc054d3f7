package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gourdian/agent/internal/live"
	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/worker"
)

func TestVariantsAndWhichOneRuns(t *testing.T) {
	t.Parallel()
	fp32 := choose.Trial{Variant: "fp32", Passes: true, P50: 10}
	int8 := choose.Trial{Variant: "int8", Passes: true, P50: 5}
	wrong := choose.Trial{Variant: "int8", Fault: "golden frame failed: logit 2 is 3.1"}
	for name, c := range map[string]struct {
		trials []choose.Trial
		codes  []Code
	}{
		"faster in 8 bits":       {[]choose.Trial{fp32, int8}, []Code{variantBase, variantChosen}},
		"no faster in 8 bits":    {[]choose.Trial{fp32, {Variant: "int8", Passes: true, P50: 9.9}}, []Code{variantOnly, variantPasses}},
		"wrong in 8 bits":        {[]choose.Trial{fp32, wrong}, []Code{variantOnly, variantFails}},
		"one only":               {[]choose.Trial{int8}, []Code{variantOnly}},
		"broken bundle, nothing": {[]choose.Trial{wrong}, []Code{variantFails, modelRefused}},
		"started, never timed":   {[]choose.Trial{{Variant: "fp32", Passes: true}}, []Code{variantUntimed}},
	} {
		t.Run(name, func(t *testing.T) { wantAll(t, judgeTrials(c.trials, "/m.gourdian"), c.codes...) })
	}
	r := judgeTrials([]choose.Trial{fp32, int8}, "")[1]
	if r.Value != 5 || r.Unit != "ms" || r.Args["speedup"] != 2.0 || r.Subject != "int8" {
		t.Errorf("%+v", r)
	}
}

func TestModelThatIsTooSlowForItsCameras(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		millis, pace float64
		code         Code
	}{
		"fast":              {10, 5, paceOK},
		"four cameras":      {100, 9, paceSlow},
		"all of its time":   {100, 10, paceSlow},
		"not yet measured":  {0, 5, paceUnknown},
		"nobody to look at": {100, 0, paceOK},
	} {
		t.Run(name, func(t *testing.T) { want(t, judgePace(c.millis, c.pace), c.code) })
	}
}

func TestBrokenBundles(t *testing.T) {
	t.Parallel()
	damaged := filepath.Join(t.TempDir(), "model.gourdian")
	if err := os.WriteFile(damaged, []byte("not a bundle"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, broken := bundle.Open(damaged)
	_, missing := bundle.Open(damaged + ".not")
	for name, c := range map[string]struct {
		err  error
		code Code
	}{
		"not there":           {missing, modelMissing},
		"damaged":             {broken, modelRefused},
		"other preprocessing": {fmt.Errorf("open: %w", bundle.ErrPreprocess), modelNewer},
		"newer format":        {fmt.Errorf("open: %w", bundle.ErrVersion), modelNewer},
		"no variant for us":   {bundle.ErrVariant, modelVariant},
	} {
		t.Run(name, func(t *testing.T) { want(t, judgeBundle(damaged, c.err), c.code) })
	}
}

func TestLibraryMissing(t *testing.T) {
	t.Parallel()
	refused := func(code, message string) error {
		return fmt.Errorf("start bundle: %w", &worker.Failure{Code: worker.CodeRefused, Err: &worker.Error{Code: code, Message: message}})
	}
	for name, c := range map[string]struct {
		err  error
		code Code
	}{
		"not found":         {refused("load", "find ONNX Runtime: it is neither at /a nor at /b"), runtimeMissing},
		"another version":   {refused("load", "load ONNX Runtime: /a has version 1.20.0, this program needs 1.32"), runtimeUnusable},
		"built without":     {refused("no_runtime", "built without cgo, so without ONNX Runtime"), runtimeUnusable},
		"provider missing":  {refused(infer.CodeProvider, "cuda is required"), runtimeProvider},
		"no bundle to show": {refused("bundle", "open bundle: no such file"), runtimeUnseen},
		"dies":              {&worker.Failure{Code: worker.CodeCrashed, Err: errors.New("signal: segmentation fault")}, runtimeUnusable},
		"program missing":   {&worker.Failure{Code: worker.CodeMissing, Err: errors.New("no such file")}, workerMissing},
		"nowhere to look":   {errors.New("find gourdian-infer beside gourdian-agent"), workerMissing},
	} {
		t.Run(name, func(t *testing.T) { want(t, judgeWorker(c.err), c.code) })
	}
	missing := choose.Trial{Variant: "fp32", Fault: "refused: load: find ONNX Runtime: it is neither at /a"}
	if r, ok := libraryFault([]choose.Trial{missing, missing}); !ok || r.Code != runtimeMissing {
		t.Errorf("all variants fail by the library: %v, %v", r, ok)
	}
	if _, ok := libraryFault([]choose.Trial{missing, {Variant: "int8", Passes: true}}); ok {
		t.Error("the library is blamed although a variant runs on it")
	}
}

func TestProviderOtherThanAsked(t *testing.T) {
	t.Parallel()
	info := infer.Info{Library: "onnxruntime 1.32.0", ProviderObtained: "cpu", Threads: 2}
	want(t, judgeLibrary(info, "cpu"), runtimeOK)
	want(t, judgeLibrary(info, ""), runtimeOK)
	want(t, judgeLibrary(info, "cpu,xnnpack"), runtimeOK)
	want(t, judgeLibrary(info, "xnnpack,cpu"), runtimeOther)
	want(t, judgeLibrary(infer.Info{}, "cpu"), runtimeUnseen)
}

func TestRunningAgentsModelIsReadOff(t *testing.T) {
	t.Parallel()
	raised := func(code string) live.State {
		return live.State{Conditions: []live.Condition{{Code: code, Args: map[string]string{"why": "it is so"}}}}
	}
	well := live.Model{Name: "patch", Variant: "int8", Provider: "cpu", Asked: "cpu", Library: "onnxruntime 1.32.0", TrainedOn: "photos", Images: 900,
		InferMillis: 6, Tried: []live.VariantTime{{Name: "fp32", Millis: 10, Passes: true}, {Name: "int8", Millis: 5, Passes: true}}}
	with := func(spoil func(*live.Model)) live.State {
		m := well
		spoil(&m)
		return live.State{Model: &m}
	}
	for name, c := range map[string]struct {
		state live.State
		codes []Code
	}{
		"well":              {with(func(*live.Model) {}), []Code{runtimeOK, modelOK, variantBase, variantChosen, paceOK}},
		"rendered pumpkins": {with(func(m *live.Model) { m.TrainedOn = "rendered" }), []Code{runtimeOK, modelRendered, variantBase, variantChosen, paceOK}},
		"nothing tried":     {with(func(m *live.Model) { m.Tried = nil }), []Code{runtimeOK, modelOK, variantOnly, paceOK}},
		"no picture yet":    {with(func(m *live.Model) { m.Tried, m.InferMillis = nil, 0 }), []Code{runtimeOK, modelOK, variantUntimed, paceUnknown}},
		"starting":          {with(func(m *live.Model) { m.WorkerNote = worker.CodeStarting }), []Code{runtimeUnseen, modelStarting}},
		"crashed":           {with(func(m *live.Model) { m.WorkerNote = worker.CodeCrashed }), []Code{runtimeUnseen, modelDown}},
		"missing":           {raised("model_missing"), []Code{runtimeUnseen, modelMissing}},
		"refused":           {raised("model_refused"), []Code{runtimeUnseen, modelRefused}},
		"newer":             {raised("model_newer"), []Code{runtimeUnseen, modelNewer}},
		"being chosen":      {raised("model_choosing"), []Code{runtimeUnseen, modelStarting}},
		"no provider":       {raised("provider_missing"), []Code{runtimeUnseen, runtimeProvider}},
		"just started":      {live.State{}, []Code{runtimeUnseen, modelStarting}},
	} {
		t.Run(name, func(t *testing.T) { wantAll(t, modelFromState(c.state, "/m.gourdian", 5), c.codes...) })
	}
}

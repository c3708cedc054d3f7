package doctor

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/choose"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// workerStart bounds the start of one worker: the slowest board loads FP32 and
// runs its golden frames in some seconds.
const workerStart = time.Minute

// What the inference worker says where it is the library that fails it; its
// other faults are those of a model.
const (
	saysNotFound  = "find ONNX Runtime"
	saysNotLoaded = "load ONNX Runtime"
	saysWithout   = "without ONNX Runtime"
)

// Headings of what a look at the model tells beside the model itself.
const (
	library = "library"
	speed   = "speed"
)

// model looks at the library, the bundle, and every variant of it: by trial
// where no agent runs.
func (b *Board) model(ctx context.Context) []Result {
	switch {
	case b.Live != nil:
		return modelFromState(b.Live(), b.Bundle, b.pace())
	case b.Locked:
		return []Result{is(variantsUnknown)}
	}
	opened, err := bundle.Open(b.Bundle)
	if err != nil {
		return []Result{b.libraryAlone(ctx), judgeBundle(b.Bundle, err)}
	}
	defer func() { _ = opened.Close() }() // only read
	if err := opened.CheckPreprocess(vision.PreprocessID()); err != nil {
		return []Result{b.libraryAlone(ctx), judgeBundle(b.Bundle, err)}
	}
	m := &opened.Manifest
	found := judgeOrigin(m.Name, m.Provenance.Kind, m.Provenance.Images)
	names, err := b.allowed(m)
	if err != nil {
		return []Result{b.libraryAlone(ctx), judgeBundle(b.Bundle, err)}
	}
	trials, info, err := choose.Try(ctx, names, b.startVariant)
	if err != nil {
		return []Result{judgeWorker(err), found}
	}
	if fault, ok := libraryFault(trials); ok {
		return []Result{fault, found}
	}
	results := append([]Result{judgeLibrary(info, b.Infer.Provider), found}, judgeTrials(trials, b.Bundle)...)
	return append(results, judgePace(chosenMillis(trials), b.pace()))
}

// judgeOrigin says of a bundle that is whole what it learnt from.
func judgeOrigin(name, kind string, images int) Result {
	if kind == bundle.KindRendered {
		return is(modelRendered, "name", name, "images", images)
	}
	return is(modelOK, "name", name, "images", images)
}

// allowed are the variants that may run here.
func (b *Board) allowed(m *bundle.Manifest) ([]string, error) {
	wanted := b.Variants
	if b.Variant != "" {
		wanted = []string{b.Variant}
	}
	var names []string
	for _, v := range m.Variants {
		if slices.Contains(wanted, v.Name) {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		return nil, bundle.ErrVariant
	}
	return names, nil
}

func (b *Board) startVariant(ctx context.Context, variant string) (infer.Runner, error) {
	ctx, cancel := context.WithTimeout(ctx, workerStart)
	defer cancel()
	o := b.Infer
	o.Variant = variant
	runner, err := infer.StartBundle(ctx, b.Bundle, o)
	if err != nil {
		return nil, err
	}
	return runner, nil
}

// judgeBundle says why a bundle can't be used.
func judgeBundle(path string, err error) Result {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return is(modelMissing, "path", path)
	case errors.Is(err, bundle.ErrPreprocess), errors.Is(err, bundle.ErrVersion):
		return is(modelNewer, "why", err.Error())
	case errors.Is(err, bundle.ErrVariant):
		return is(modelVariant)
	}
	return is(modelRefused, "path", path, "why", err.Error())
}

// libraryAlone finds out about the library where there is no bundle that could
// be served: the worker looks for it before it opens the bundle.
func (b *Board) libraryAlone(ctx context.Context) Result {
	runner, err := b.startVariant(ctx, "")
	if err == nil { // somebody put a bundle there meanwhile
		defer func() { _ = runner.Close() }()
		return judgeLibrary(runner.Info(), b.Infer.Provider)
	}
	return judgeWorker(err)
}

// judgeWorker says why an inference worker could not be started.
func judgeWorker(err error) Result {
	var failure *worker.Failure
	var answer *worker.Error
	switch {
	case infer.ProviderMissing(err):
		return is(runtimeProvider, "why", answerOf(err)).under(library)
	case errors.As(err, &answer):
		return judgeRefusal(answer.Message)
	case errors.As(err, &failure) && failure.Code != worker.CodeMissing:
		return is(runtimeUnusable, "why", failure.Error()).under(library)
	}
	return is(workerMissing, "program", infer.Program, "why", err.Error()).under(library)
}

// answerOf is what the worker said itself.
func answerOf(err error) string {
	var answer *worker.Error
	if errors.As(err, &answer) {
		return answer.Message
	}
	return err.Error()
}

// judgeRefusal tells a library that fails from a worker that only lacked a
// bundle to show it with.
func judgeRefusal(message string) Result {
	switch {
	case strings.Contains(message, saysNotFound):
		return is(runtimeMissing, "why", message).under(library)
	case strings.Contains(message, saysNotLoaded), strings.Contains(message, saysWithout):
		return is(runtimeUnusable, "why", message).under(library)
	}
	return is(runtimeUnseen).under(library)
}

// libraryFault says that it is the library that keeps every variant from
// running; ok is false where one runs or the fault is the model's own.
func libraryFault(trials []choose.Trial) (r Result, ok bool) {
	for _, t := range trials {
		if r = judgeRefusal(t.Fault); t.Passes || r.Code == runtimeUnseen {
			return Result{}, false
		}
	}
	return r, true
}

func judgeLibrary(info infer.Info, asked string) Result {
	first, _, _ := strings.Cut(asked, ",") // in order of preference
	switch {
	case info.Library == "":
		return is(runtimeUnseen).under(library)
	case first != "" && info.ProviderObtained != first:
		return is(runtimeOther, "library", info.Library, "asked", first, "obtained", info.ProviderObtained).under(library)
	}
	return is(runtimeOK, "library", info.Library, "provider", info.ProviderObtained, "threads", info.Threads).under(library)
}

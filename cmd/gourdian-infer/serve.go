package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/ort"
	"gourdian/internal/worker"
)

// maxThreads is more than any board here has.
const maxThreads = 64

type options struct {
	bundle, variant string
	graph           string
	outputs         []string
	operators       bool
	threads         int
	provider        string
	providers       []string // provider, parsed
	require         string
	library         string
}

func (o *options) check() error {
	switch {
	case (o.bundle == "") == (o.graph == ""):
		return &usageError{errors.New("name one model: --bundle FILE or --graph FILE")}
	case o.variant != "" && o.bundle == "":
		return &usageError{errors.New("--variant belongs to --bundle")}
	case len(o.outputs) > 0 && o.graph == "":
		return &usageError{errors.New("--output belongs to --graph")}
	case o.threads < 1 || o.threads > maxThreads:
		return &usageError{fmt.Errorf("--threads %d is not 1..%d", o.threads, maxThreads)}
	case o.require != "" && !slices.Contains(infer.Providers(), o.require):
		return &usageError{fmt.Errorf("--require-provider %q is none of %s", o.require, strings.Join(infer.Providers(), ", "))}
	}
	var err error
	if o.providers, err = infer.ParseProviders(o.provider); err != nil {
		return &usageError{fmt.Errorf("--provider: %w", err)}
	}
	return nil
}

// open is how the options say to open a graph.
func (o *options) open() ort.Options {
	return ort.Options{Threads: o.threads, Providers: o.providers, Require: o.require, Operators: o.operators}
}

// run loads the model and serves it until the parent ends. Where that can't be
// done the parent is told why.
func (o *options) run(ctx context.Context) error {
	hello := worker.Hello{Program: infer.Program, Version: version}
	runner, info, err := o.load(ctx)
	if err != nil {
		return errors.Join(err, worker.Refuse(hello, &worker.Error{Code: refusal(err), Message: err.Error()}))
	}
	defer runner.Close()
	if hello.Detail, err = json.Marshal(info); err != nil {
		return err
	}
	// The session has its own copy of the graph; a board has better use for ours.
	debug.FreeOSMemory()
	return worker.Serve(ctx, hello, infer.NewHandler(runner))
}

// refusal is the code of the reason for which a worker does not serve.
func refusal(err error) string {
	switch {
	case errors.Is(err, infer.ErrProvider):
		return infer.CodeProvider
	case errors.Is(err, infer.ErrGolden):
		return "golden"
	case errors.Is(err, bundle.ErrBundle):
		return "bundle"
	case errors.Is(err, ort.ErrNoRuntime):
		return "no_runtime"
	}
	return "load"
}

// load makes the network ready, golden frames passed.
func (o *options) load(ctx context.Context) (infer.Runner, infer.Info, error) {
	library, err := ort.FindLibrary(o.library)
	if err != nil {
		return nil, infer.Info{}, err
	}
	if o.bundle != "" {
		return o.loadBundle(ctx, library)
	}
	graph, err := os.ReadFile(o.graph)
	if err != nil {
		return nil, infer.Info{}, fmt.Errorf("read graph: %w", err)
	}
	sum := sha256.Sum256(graph)
	open := o.open()
	open.Model, open.Outputs = hex.EncodeToString(sum[:]), o.outputs
	session, err := ort.Open(library, graph, open)
	if err != nil {
		return nil, infer.Info{}, err
	}
	return session, session.Info(), nil
}

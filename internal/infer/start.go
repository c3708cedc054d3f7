package infer

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"gourdian/internal/worker"
)

// Options say how a worker runs a model. The zero value means: the program and
// library that set-up or package installed, one thread, the CPU.
type Options struct {
	Program string // path of gourdian-infer; empty = beside the running program
	Library string // path of the ONNX Runtime library; empty = the worker looks for it
	Variant string // of a bundle; empty = the worker's choice
	// Provider is the execution provider, or several by commas in order of
	// preference; empty = "cpu". Names are those of Providers.
	Provider string
	Require  string // the one that must be obtained; empty = none
	Threads  int    // 0 = 1
	MemoryMB int    // 0 = no cap
	// Operators asks the worker for Info.Operators.
	Operators bool
	Log       *slog.Logger
}

// Supervise returns a Runner for a bundle and the worker behind it, which runs
// while its Run does and comes back when it dies.
func Supervise(bundle string, o Options) (*Client, *worker.Supervised, error) {
	spec, err := o.Spec("--bundle", bundle)
	if err != nil {
		return nil, nil, fmt.Errorf("serve bundle %s: %w", bundle, err)
	}
	supervised := worker.NewSupervised(spec)
	return NewClient(supervised, supervised.Hello, nil), supervised, nil
}

// StartBundle starts a worker for a bundle and returns when it serves. Its end
// is final; the caller must Close the Runner. ctx bounds the start only.
func StartBundle(ctx context.Context, bundle string, o Options) (*Client, error) {
	spec, err := o.Spec("--bundle", bundle)
	if err != nil {
		return nil, fmt.Errorf("start bundle %s: %w", bundle, err)
	}
	client, err := Start(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start bundle %s: %w", bundle, err)
	}
	return client, nil
}

// Spec is how to start gourdian-infer with these options behind the given
// arguments.
func (o Options) Spec(args ...string) (worker.Spec, error) {
	path, err := worker.Locate(Program, o.Program)
	if err != nil {
		return worker.Spec{}, err
	}
	for _, flag := range []struct{ name, value string }{
		{"--onnxruntime", o.Library}, {"--variant", o.Variant}, {"--provider", o.Provider},
		{"--require-provider", o.Require},
	} {
		if flag.value != "" {
			args = append(args, flag.name, flag.value)
		}
	}
	if o.Operators {
		args = append(args, "--operators")
	}
	if o.Threads > 0 {
		args = append(args, "--threads", strconv.Itoa(o.Threads))
	}
	return worker.Spec{Path: path, Args: args, Program: Program, MemoryMB: o.MemoryMB, Log: o.Log}, nil
}

// Start starts a worker by its spec and returns a Runner that stops it when
// closed.
func Start(ctx context.Context, spec worker.Spec) (*Client, error) {
	process, err := worker.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	hello := func() (worker.Hello, bool) { return process.Hello(), true }
	return NewClient(process, hello, process.Close), nil
}

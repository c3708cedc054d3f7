// Command gourdian-infer is the worker process that runs one network on ONNX
// Runtime. It serves a bundle, after its golden frames have passed here, or a
// bare graph, and talks with its parent over the pipes of package worker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gourdian/internal/infer"
	"gourdian/internal/infer/ort"
)

// version is set by the linker.
var version = "unknown"

func main() {
	if err := command().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "gourdian-infer:", err)
		var usage *usageError
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError marks wrong use of the command line: exit code 2.
type usageError struct{ error }

func noArgs(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return &usageError{err}
	}
	return nil
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "gourdian-infer (--bundle FILE [--variant NAME] | --graph FILE [--output NAME]...)",
		Short: "Run one network for the program that started this worker",
		Long: `gourdian-infer loads one model and runs tensors through it. gourdian-agent and
gourdianctl start it; by hand it can only say --help and --version, for it
answers over pipes (descriptors 3 and 4), not on the terminal.

A bundle serves only after its golden frames gave here, on this processor and
library, the scores they gave where the bundle was made. A bare graph (training,
calibration) has no golden frames and is never used by a board.`,
		Example: `  gourdian-infer --bundle grade.gourdian --variant fp32 --threads 2
  gourdian-infer --graph backbone.onnx --output block_15`,
		Version:       version,
		Args:          noArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PreRunE:       func(*cobra.Command, []string) error { return o.check() },
		RunE:          func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := c.Flags()
	flags.StringVar(&o.bundle, "bundle", "", "bundle to serve")
	flags.StringVar(&o.variant, "variant", "", "variant of the bundle (its first one where none is named)")
	flags.StringVar(&o.graph, "graph", "", "bare ONNX graph to serve")
	flags.StringArrayVar(&o.outputs, "output", nil, "value of the graph to return as well (may be repeated)")
	flags.BoolVar(&o.operators, "operators", false, "count the operators that the runtime makes of the graph, and say so to the parent")
	flags.IntVar(&o.threads, "threads", 1, "threads of the engine, 1..64")
	flags.StringVar(&o.provider, "provider", infer.ProviderCPU, "execution providers in order of preference, by commas: "+strings.Join(infer.Providers(), ", "))
	flags.StringVar(&o.require, "require-provider", "", "the execution provider without which nothing is served")
	flags.StringVar(&o.library, "onnxruntime", "", "ONNX Runtime library (default: $"+ort.LibraryVariable+", then lib/ beside the program, then the set-up folder)")
	return c
}

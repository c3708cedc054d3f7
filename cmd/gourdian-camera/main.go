// Command gourdian-camera is the worker process that holds a camera, or decodes
// and encodes pictures. It talks with its parent over the pipes of package
// worker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"gourdian/internal/capture/cv"
)

// version is set by the linker.
var version = "unknown"

func main() {
	if err := command().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "gourdian-camera:", err)
		var usage *usageError
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError marks wrong use of the command line: exit code 2.
type usageError struct{ error }

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "gourdian-camera --decode",
		Short: "Decode pictures for the program that started this worker",
		Long: `gourdian-camera decodes and encodes pictures, in a process of its own: a
hostile picture can end it, but nothing else. gourdian-agent and gourdianctl
start it; by hand it can only say --help and --version, for it answers over
pipes (descriptors 3 and 4), not on the terminal.`,
		Version:       version + ", " + cv.Version(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PreRunE:       func(*cobra.Command, []string) error { return o.check() },
		RunE:          func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := c.Flags()
	flags.BoolVar(&o.decode, "decode", false, "decode and encode pictures")
	flags.IntVar(&o.threads, "threads", 1, "threads that OpenCV may use, 1..64")
	return c
}

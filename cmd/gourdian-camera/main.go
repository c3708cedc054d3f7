// Command gourdian-camera is the worker process that holds a camera, or decodes
// and encodes pictures. It talks with its parent over the pipes of package
// worker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gourdian/internal/capture"
	"gourdian/internal/capture/cv"
	"gourdian/internal/capture/drivers"
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
		Use:   "gourdian-camera (--source ADDRESS | --decode)",
		Short: "Hold a camera, or decode pictures, for the program that started this worker",
		Long: `gourdian-camera opens one camera and answers with frames: the newest picture
of a live source, every picture of a folder. Or it decodes and encodes pictures.
It is a process of its own, so that a driver that hangs or a hostile picture can
end it, but nothing else. gourdian-agent and gourdianctl start it; by hand it
can only say --help and --version, for it answers over pipes (descriptors 3 and
4), not on the terminal.

Camera addresses:
` + addresses() + `
An address with a password is better handed over in $` + capture.SourceVariable + ` with
--source env: every user of the machine can read a command line.`,
		Example: `  gourdian-camera --source folder:photos
  gourdian-camera --source 'device:/dev/video0?width=1280&height=720'
  gourdian-camera --decode`,
		Version:       version + " (" + cv.Version() + "; drivers: " + strings.Join(drivers.Names(), ", ") + ")",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PreRunE:       func(*cobra.Command, []string) error { return o.check() },
		RunE:          func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := c.Flags()
	flags.StringVar(&o.source, "source", "", "camera address, or env for $"+capture.SourceVariable)
	flags.BoolVar(&o.decode, "decode", false, "decode and encode pictures")
	flags.IntVar(&o.threads, "threads", 1, "threads that OpenCV may use, 1..64")
	flags.DurationVar(&o.stuckAfter, "stuck-after", capture.DefaultStuckAfter, "silence after which the camera is opened again, from 1s")
	return c
}

// addresses lists every kind of camera address with an example.
func addresses() string {
	var b strings.Builder
	for _, scheme := range capture.Schemes() {
		fmt.Fprintf(&b, "  %s\n      %s\n", scheme.Form, scheme.Help)
	}
	return b.String()
}

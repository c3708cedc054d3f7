package main

import (
	"github.com/spf13/cobra"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
)

// workerFlags say where the worker programs and the library are. Empty ones
// are looked for beside this program and in the set-up folder.
type workerFlags struct {
	inferProgram  string
	cameraProgram string
	library       string
}

// register adds the flags to a command that starts workers.
func (w *workerFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&w.inferProgram, "infer-program", "", "path of gourdian-infer (default: beside this program)")
	flags.StringVar(&w.cameraProgram, "camera-program", "", "path of gourdian-camera (default: beside this program)")
	flags.StringVar(&w.library, "onnxruntime", "", "path of the ONNX Runtime library (default: package or set-up folder)")
}

func (w *workerFlags) infer() infer.Options {
	return infer.Options{Program: w.inferProgram, Library: w.library}
}

func (w *workerFlags) camera() capture.Options {
	return capture.Options{Program: w.cameraProgram}
}

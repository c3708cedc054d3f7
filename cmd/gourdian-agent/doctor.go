package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"gourdian/agent"
)

// doctorCommand examines the board: exit code 0 where nothing failed, 1 where
// something did.
func doctorCommand(path *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check this board: disk, clock, memory, heat, model and cameras, with a remedy for each",
		Long: `doctor looks at everything that a board needs and says of each thing how it is
and what to do about it: config, data folder, speed and room of the disk, clock,
memory, temperature and power, processor, ONNX Runtime, the model and the speed
of each of its variants, every camera, the page's port.

It takes about ten seconds, and some more for each camera. It writes up to 34 MB
into the data folder and removes them. Beside a running agent it opens neither
cameras nor model: it asks the agent how they are. Run it as the user who runs
the agent, for it is about what that user may do.

The report goes to standard output. Exit codes: 0 nothing failed, 1 something
failed, 2 wrong use. docs/troubleshooting.md goes by symptom.`,
		Example: `  gourdian-agent doctor --config /etc/gourdian/agent.yaml
  sudo -u gourdian gourdian-agent doctor --config /etc/gourdian/agent.yaml --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, fault := load(*path)
			build, err := thisBuild()
			if err != nil {
				return err
			}
			return agent.Doctor(c.Context(), config, build, agent.Examination{
				File: *path, Fault: fault, Out: c.OutOrStdout(), Progress: terminal(os.Stderr), JSON: asJSON,
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return c
}

// terminal returns f where a person looks at it, nil where it is a file or pipe.
func terminal(f *os.File) io.Writer {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return f
}

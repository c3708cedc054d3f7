package main

import (
	"github.com/spf13/cobra"

	"gourdian/agent"
)

// statusCommand prints how the agent that runs on this machine does.
func statusCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say in a few lines how the running agent does: its model, a model on its way, what is wrong",
		Long: `status asks the agent that runs on this machine and prints its model and who
signed it, how a model from the hub does, and what is not as it should be. It is
an error where none runs; "gourdian-agent doctor" says why.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := load(*path)
			if err != nil {
				return &usageError{err}
			}
			return agent.Status(c.Context(), config, c.OutOrStdout())
		},
	}
}

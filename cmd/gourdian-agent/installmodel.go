package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"gourdian/agent"
)

// installModelCommand puts a model where the config says, for the user that the
// agent runs as: with sudo a plain copy would belong to root.
func installModelCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "install-model FILE",
		Short: "Check a model and put it where this board looks for it",
		Long: `install-model checks a model (a bundle, made by "gourdianctl model train") as the
board does and copies it to where the config says. A board without a model takes
it up within seconds. While the board belongs to a hub and runs a model of it,
that one stays: the hub's wins over this one.`,
		Example: `  sudo gourdian-agent install-model grade.gourdian`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(c, args); err != nil {
				return &usageError{err}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			config, err := load(*path)
			if err != nil {
				return &usageError{err}
			}
			done, err := agent.InstallModel(config, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Model %s (%.12s) is installed as %s.\n", done.Name, done.ID, done.Path)
			if done.Replaced {
				fmt.Fprintln(c.OutOrStdout(), "A running board takes it up within seconds.")
			}
			return nil
		},
	}
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot(s *streams) *cobra.Command {
	root := newGroup("gourdianctl", "Make, measure and inspect models that look at pumpkins",
		`gourdianctl makes models that grade pumpkins, measures them and shows what is in
them. "gourdianctl demo" shows it all at work. Step by step, on rendered pumpkins:

  gourdianctl render --out patch --count 600 --seed 1
  gourdianctl model train --data patch --task grade --out grade.gourdian
  gourdianctl model inspect grade.gourdian

With photos of your own, sort them into a folder per class and give that folder
as --data.

Exit codes: 0 done, 1 failed, 2 wrong use. With --json the result is one object
on standard output; everything else goes to standard error.`)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(newDemoCommand(s), newRenderCommand(s), newModelCommand(s), newBenchGroup(s), newSamplesCommand(s), newDatasetCommand(s), newRolloutCommand(s), newKeysCommand(s), newVersionCommand(s))
	return root
}

// newModelCommand holds the commands that make, measure and show models.
func newModelCommand(s *streams) *cobra.Command {
	model := newGroup("model", "Make, measure and inspect models",
		`A model is one file, a bundle: the network, the numbers that its answers are
judged by, and what it was trained on.`)
	model.AddCommand(newTrainCommand(s), newEvalCommand(s), newCompareCommand(s), newInspectCommand(s), newBenchCommand(s), newCalibrateCommand(s), newPushCommand(s), newPromoteCommand(s))
	return model
}

// usageError marks wrong use of the command line: exit code 2.
type usageError struct{ error }

// Unwrap implements errors.Unwrap.
func (e *usageError) Unwrap() error { return e.error }

// wrongUse is an error for what a person should have typed otherwise.
func wrongUse(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// checkArgs makes wrong use of what an argument check refuses.
func checkArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// oneArg asks for exactly one argument, called what in the usage line.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return wrongUse("%s is missing", what)
		case len(args) > 1:
			return wrongUse("one %s, please: %q is too much", what, args[1])
		}
		return nil
	}
}

// newGroup is a command that only holds others. Called by itself it teaches,
// as wrong use: a script that forgot the sub-command should notice.
func newGroup(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Long:  long,

		SuggestionsMinimumDistance: 2,

		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = ", did you mean " + strings.Join(near, " or ") + "?"
			}
			return wrongUse("unknown command %q%s", args[0], hint)
		},
		RunE: func(c *cobra.Command, _ []string) error {
			c.SetOut(c.ErrOrStderr())
			if err := c.Help(); err != nil {
				return err
			}
			return wrongUse("which command?")
		},
	}
}

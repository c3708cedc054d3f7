// Command gourdian-hub is the hub: boards join it and report, people label
// pictures and decide, and anyone asks it for a verdict.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gourdian/cloud"
)

// version and built are set by the linker; built is in RFC 3339.
var version, built = "unknown", ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gourdian-hub:", err)
		var usage *usageError
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError marks wrong use of the command line: exit code 2.
type usageError struct{ error }

// usage turns the errors of a check of arguments into wrong use.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// program is what all commands share.
type program struct{ path string }

func command() *cobra.Command {
	p := &program{}
	var printConfig bool
	c := &cobra.Command{
		Use:   "gourdian-hub [--config FILE]",
		Short: "Take in what boards see, let people label it, answer for pictures",
		Long: `gourdian-hub serves the console and the API (HTTPS on port 8443 where the config
says nothing else; without encryption on port 8480 of this machine alone) and the
broker that boards connect to (port 8883). The first start prints a link with
which the first admin is set up.

Every key of the config can be set by the environment as well:
GOURDIAN_HUB_LISTEN is listen, GOURDIAN_HUB_WORKERS_INFER is workers.infer.
docs/configuration.md explains every key.`,
		Example: `  gourdian-hub --config /etc/gourdian/hub.yaml
  gourdian-hub backup hub-backup.tar
  gourdian-hub reset-password ana`,
		Version:       version,
		Args:          usage(cobra.NoArgs),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, _ []string) error {
			config, log, err := p.load()
			if err != nil {
				return err
			}
			if printConfig {
				return config.Print(c.OutOrStdout())
			}
			return cloud.Run(c.Context(), config, thisBuild(), log, c.OutOrStdout())
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	c.PersistentFlags().StringVar(&p.path, "config", "", "config file (YAML); without one, "+cloud.InstalledConfig+" where the package is installed, else the defaults; then the environment")
	c.Flags().BoolVar(&printConfig, "print-config", false, "print the config in force, without passwords, and end")
	c.AddCommand(p.backupCommand(), p.restoreCommand(), p.resetCommand())
	return c
}

// thisBuild is what the linker said of this program.
func thisBuild() cloud.Build {
	at, err := time.Parse(time.RFC3339, built)
	if err != nil {
		at = time.Time{} // built by hand
	}
	return cloud.Build{Version: version, Time: at}
}

func (p *program) load() (cloud.Config, *slog.Logger, error) {
	dir, err := os.Getwd()
	if err != nil {
		return cloud.Config{}, nil, fmt.Errorf("find the working folder: %w", err)
	}
	path := p.path
	if path == "" {
		program, err := os.Executable()
		if err != nil {
			return cloud.Config{}, nil, fmt.Errorf("find this program: %w", err)
		}
		path = cloud.DefaultFile(program)
	}
	config, err := cloud.Load(path, os.Environ(), cloud.Default(dir))
	if err != nil {
		return config, nil, &usageError{err}
	}
	return config, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: config.Level()})), nil
}

func (p *program) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write everything that the hub has into one file; the hub may run meanwhile",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			config, _, err := p.load()
			if err != nil {
				return err
			}
			if err := cloud.Backup(c.Context(), config, cloud.Build{Version: version}, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s holds the hub's database, pictures, models and keys. Keep it where nobody else reads it.\n", args[0])
			return nil
		},
	}
}

func (p *program) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Replace what the hub has by a backup; stop the hub first",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			config, log, err := p.load()
			if err != nil {
				return err
			}
			before, err := cloud.Restore(c.Context(), config, args[0], log)
			if before != "" {
				fmt.Fprintf(c.OutOrStdout(), "What was there before is in %s.\n", before)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "The hub is as it was when the backup was made. Start it; boards send again what came later.")
			return nil
		},
	}
}

func (p *program) resetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reset-password NAME",
		Short: "Print a link with which a person chooses a new password",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			config, log, err := p.load()
			if err != nil {
				return err
			}
			link, err := cloud.ResetPassword(c.Context(), config, args[0], log)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Open this link once, within a week, to choose a new password for %s:\n  %s\n", args[0], link)
			return nil
		},
	}
}

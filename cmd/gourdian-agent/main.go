// Command gourdian-agent is the board: it looks through its cameras, grades
// what stands there and shows it on a page.
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

	"gourdian/agent"
)

// version and built are set by the linker; built is in RFC 3339.
var version, built = "unknown", ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gourdian-agent:", err)
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
	var path string
	var printConfig bool
	c := &cobra.Command{
		Use:   "gourdian-agent [--config FILE]",
		Short: "Grade what stands before this board's cameras and show it on a page",
		Long: `gourdian-agent looks through the cameras of its config, grades what stands before
them with the model of its config, keeps every sighting and shows it on a page
(port 8080 where the config says nothing else). It needs no internet.

Every key of the config can be set by the environment as well:
GOURDIAN_AGENT_MODEL_BUNDLE is model.bundle, GOURDIAN_AGENT_CAMERAS_0_SOURCE the
source of the first camera. docs/configuration.md explains every key.`,
		Example: `  gourdian-agent --config /etc/gourdian/agent.yaml
  gourdian-agent --config agent.yaml --print-config
  GOURDIAN_AGENT_LISTEN=:9090 gourdian-agent --config agent.yaml`,
		Version:       version,
		Args:          noArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := load(path)
			if err != nil {
				return &usageError{err}
			}
			if printConfig {
				return config.Print(c.OutOrStdout())
			}
			return run(c.Context(), config)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	c.PersistentFlags().StringVar(&path, "config", "", "config file (YAML); without one, "+agent.InstalledConfig+" where the package is installed, else the defaults; then the environment")
	c.Flags().BoolVar(&printConfig, "print-config", false, "print the config in force, without passwords, and end")
	c.AddCommand(resetPINCommand(&path), doctorCommand(&path), statusCommand(&path), installModelCommand(&path), joinCommand(&path), leaveCommand(&path))
	return c
}

func load(path string) (agent.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return agent.Config{}, fmt.Errorf("find the working folder: %w", err)
	}
	if path == "" {
		program, err := os.Executable()
		if err != nil {
			return agent.Config{}, fmt.Errorf("find this program: %w", err)
		}
		path = agent.DefaultFile(program)
	}
	return agent.Load(path, os.Environ(), agent.Default(dir))
}

func run(ctx context.Context, config agent.Config) error {
	build, err := thisBuild()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: config.Level()}))
	return agent.Run(ctx, config, build, log)
}

// thisBuild is what the linker said of this program.
func thisBuild() (agent.Build, error) {
	build := agent.Build{Version: version}
	if built == "" {
		return build, nil
	}
	t, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return build, fmt.Errorf("read the time of the build: %w", err)
	}
	build.Time = t
	return build, nil
}

// resetPINCommand is the way back for who has lost the page's PIN: whoever may
// write the board's data may choose a new one.
func resetPINCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use:   "reset-pin",
		Short: "Forget the page's PIN; the next change on the page asks for a new one",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := load(*path)
			if err != nil {
				return &usageError{err}
			}
			if err := agent.ResetPIN(config); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "The PIN is forgotten. Restart the agent; the next change on the page asks for a new one.")
			return nil
		},
	}
}

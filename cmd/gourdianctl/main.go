// Command gourdianctl is what people type: it renders practice pictures, makes
// models, measures and inspects them. Every command is a file of this folder;
// docs and --help of each say what it does.
//
// Exit codes are 0 done, 1 failed, 2 wrong use. With --json a command prints
// one object on standard output; progress, warnings and errors always go to
// standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// version is set by the linker.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends a command that hangs
	s := &streams{out: os.Stdout, err: os.Stderr, terminal: term.IsTerminal(int(os.Stderr.Fd()))}
	os.Exit(run(ctx, s, os.Args[1:]))
}

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitWrongUse = 2
)

// run executes one command line and returns its exit code.
func run(ctx context.Context, s *streams, args []string) int {
	root := newRoot(s)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	var wrong *usageError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		fmt.Fprintln(s.err, "gourdianctl: interrupted, nothing half-made is left")
		return exitFailed
	case errors.As(err, &wrong):
		fmt.Fprintf(s.err, "gourdianctl: %v\nSee: %s --help\n", err, command.CommandPath())
		return exitWrongUse
	default:
		fmt.Fprintln(s.err, "gourdianctl:", err)
		return exitFailed
	}
}

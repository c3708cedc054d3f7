package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// streams is where commands write.
type streams struct {
	out      io.Writer // results only
	err      io.Writer // progress, warnings, errors
	terminal bool      // whether a person watches err
	// getenv finds environment variables; nil = those of the process.
	getenv func(name string) string
}

// variable is the value of an environment variable, "" = none.
func (s *streams) variable(name string) string {
	if s.getenv != nil {
		return s.getenv(name)
	}
	return os.Getenv(name)
}

// jsonFlag adds --json with the same words to every command that has it.
func jsonFlag(c *cobra.Command, on *bool) {
	c.Flags().BoolVar(on, "json", false, "print the result as one JSON object on standard output")
}

// printJSON prints the one object of --json.
func (s *streams) printJSON(object any) error {
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// notef writes one line for a person to standard error.
func (s *streams) notef(format string, args ...any) {
	fmt.Fprintf(s.err, format+"\n", args...)
}

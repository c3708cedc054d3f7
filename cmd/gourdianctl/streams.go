package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// streams is where commands write.
type streams struct {
	out      io.Writer // results only
	err      io.Writer // progress, warnings, errors
	terminal bool      // whether a person watches err
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

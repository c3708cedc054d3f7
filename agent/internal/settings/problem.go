package settings

import (
	"fmt"
	"strings"
)

// Code says what is wrong with a field. The page's catalogue has a text for
// each, in which it puts the limits.
type Code string

// Codes of problems.
const (
	CodeLength   Code = "length"   // characters outside Min..Max
	CodeRange    Code = "range"    // number outside Min..Max
	CodeChoice   Code = "choice"   // none of Choices
	CodeTooMany  Code = "too_many" // more than Max
	CodeID       Code = "id"       // an identifier with characters that are not allowed
	CodeTwice    Code = "twice"    // an identifier that was used before
	CodeUnknown  Code = "unknown"  // a camera that the board does not have
	CodeOddChars Code = "odd"      // a name with characters that can't be printed
)

// Problem is one field that can't be as it is.
type Problem struct {
	Path    string   `json:"path"` // as in JSON: "cameras[0].frames_per_second"
	Code    Code     `json:"code"`
	Min     float64  `json:"min,omitempty"` // limits, where Code has some
	Max     float64  `json:"max,omitempty"`
	Choices []string `json:"choices,omitempty"`
}

// Error says the problem in English, for logs and the command line.
func (p Problem) Error() string {
	switch p.Code {
	case CodeLength:
		return fmt.Sprintf("%s: from %v to %v characters", p.Path, p.Min, p.Max)
	case CodeRange:
		return fmt.Sprintf("%s: from %v to %v", p.Path, p.Min, p.Max)
	case CodeChoice:
		return fmt.Sprintf("%s: one of %s", p.Path, strings.Join(p.Choices, ", "))
	case CodeTooMany:
		return fmt.Sprintf("%s: at most %v", p.Path, p.Max)
	case CodeID:
		return fmt.Sprintf("%s: letters, digits, - _ and . only, from 1 to %v", p.Path, p.Max)
	case CodeTwice:
		return fmt.Sprintf("%s: used twice", p.Path)
	case CodeUnknown:
		return fmt.Sprintf("%s: the board has no such camera", p.Path)
	case CodeOddChars:
		return fmt.Sprintf("%s: printable characters only", p.Path)
	default:
		return fmt.Sprintf("%s: %s", p.Path, p.Code)
	}
}

// Problems is every field that can't be as it is; errors.As finds it in what
// Validate returns.
type Problems []Problem

// Error joins the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

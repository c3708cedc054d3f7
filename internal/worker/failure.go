package worker

import (
	"errors"
)

// ErrDown is wrapped by every error that means: there is no worker now.
var ErrDown = errors.New("worker is down")

// Health codes of a worker that is down, for State.Code and Failure.Code.
const (
	CodeStarting = "starting" // not yet up for the first time, or coming back
	CodeMissing  = "missing"  // the program can't be started at all
	CodeRefused  = "refused"  // the worker said at its hello that it can't do its duty
	CodeMismatch = "mismatch" // another program, or another version of the protocol
	CodeCrashed  = "crashed"  // it ended by itself, or broke the protocol
	CodeHung     = "hung"     // it did not answer in time and was killed
	CodeStopped  = "stopped"  // it was stopped on purpose
)

// Failure says why a worker is down. It wraps ErrDown and Err; for CodeRefused
// Err is an *Error with the worker's own code.
type Failure struct {
	Code string // one of the codes above
	Err  error
}

// CodeOf is the code of the Failure that err wraps, "" where it wraps none.
func CodeOf(err error) string {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

// Error implements error.
func (f *Failure) Error() string { return "worker " + f.Code + ": " + f.Err.Error() }

// Unwrap lets errors.Is find ErrDown and the cause.
func (f *Failure) Unwrap() []error { return []error{ErrDown, f.Err} }

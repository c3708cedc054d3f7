package doctor

import (
	"time"
)

// Verdict says how the thing is that was checked.
type Verdict string

// Verdicts, from the best to the worst.
const (
	OK      Verdict = "ok"
	Skipped Verdict = "skipped" // it could not be checked; the text says why
	Warning Verdict = "warning" // the board works, but something will trouble it
	Failed  Verdict = "failed"
)

// Result is what one check found.
type Result struct {
	Check   string         // what it is about; Run fills in the check's id where nothing is said
	Subject string         // camera or variant; "" = the board
	Code    Code           // what was found: a text of the catalogue, and a verdict
	Args    map[string]any // values for the text: string, int, float64, Size, Span, []string
	Value   float64        // what was measured
	Unit    string         // of Value: "ms", "MB", "°C", "1/s"; "" = nothing was measured
}

// Size is a number of bytes, said in kB, MB or GB.
type Size int64

// Span is a length of time, said in seconds or milliseconds.
type Span time.Duration

// Verdict is the one that belongs to the result's code.
func (r Result) Verdict() Verdict { return Codes()[r.Code] }

// is makes a Result; args are pairs of name and value.
func is(code Code, args ...any) Result {
	r := Result{Code: code, Args: map[string]any{}}
	for i := 0; i+1 < len(args); i += 2 {
		r.Args[args[i].(string)] = args[i+1]
	}
	return r
}

// of returns the result about one camera or variant.
func (r Result) of(subject string) Result {
	r.Subject = subject
	return r
}

// under returns the result under another heading than that of its check: one
// look at the model tells of the library and of the speed as well.
func (r Result) under(check string) Result {
	r.Check = check
	return r
}

// measured returns the result with its figure.
func (r Result) measured(value float64, unit string) Result {
	r.Value, r.Unit = value, unit
	return r
}

// Report is what all checks found.
type Report struct {
	Version string // of the program
	Began   time.Time
	Took    time.Duration
	Running bool // an agent was running: cameras and model were read off its state
	Results []Result
}

// Count returns how many results have a verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, result := range r.Results {
		if result.Verdict() == v {
			n++
		}
	}
	return n
}

package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"gourdian/internal/web"
)

// columns of a printed report.
const (
	verdictWidth = 8
	nameWidth    = 22
)

// Print writes one result for people.
func Print(w io.Writer, s *web.Speaker, r Result) error {
	name := strings.ToLower(Name(s, r.Check))
	if r.Subject != "" {
		name += " " + r.Subject
	}
	text, remedy := Words(s, r)
	line := fmt.Sprintf("%-*s %-*s %s\n", verdictWidth, r.Verdict(), nameWidth, name, text)
	if remedy != "" {
		line += fmt.Sprintf("%*s %s\n", verdictWidth+nameWidth+1, "->", remedy)
	}
	_, err := io.WriteString(w, line)
	return err
}

// Summary counts the verdicts in one line.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d ok, %d warnings, %d failed, %d skipped (%.1f s)",
		r.Count(OK), r.Count(Warning), r.Count(Failed), r.Count(Skipped), r.Took.Seconds())
}

// reportJSON is a report for programs.
type reportJSON struct {
	Version  string       `json:"version"`
	Began    time.Time    `json:"began"`
	Seconds  float64      `json:"seconds"`
	Running  bool         `json:"agent_running"`
	OK       bool         `json:"ok"` // nothing failed
	Failed   int          `json:"failed"`
	Warnings int          `json:"warnings"`
	Skipped  int          `json:"skipped"`
	Checks   []resultJSON `json:"checks"`
}

type resultJSON struct {
	ID      string   `json:"id"`
	Subject string   `json:"subject,omitempty"`
	Code    Code     `json:"code"`
	Verdict Verdict  `json:"verdict"`
	Value   *float64 `json:"value,omitempty"`
	Unit    string   `json:"unit,omitempty"`
	Text    string   `json:"text"`
	Remedy  string   `json:"remedy,omitempty"`
}

// JSON is the report as an object that can be marshalled, with its texts in the
// language of the speaker.
func (r *Report) JSON(s *web.Speaker) any {
	out := reportJSON{
		Version: r.Version, Began: r.Began.UTC(), Seconds: r.Took.Seconds(), Running: r.Running,
		OK: r.Count(Failed) == 0, Failed: r.Count(Failed), Warnings: r.Count(Warning), Skipped: r.Count(Skipped),
		Checks: []resultJSON{},
	}
	for _, result := range r.Results {
		one := resultJSON{ID: result.Check, Subject: result.Subject, Code: result.Code, Verdict: result.Verdict(), Unit: result.Unit}
		one.Text, one.Remedy = Words(s, result)
		if result.Unit != "" {
			one.Value = &result.Value
		}
		out.Checks = append(out.Checks, one)
	}
	return out
}

// PrintJSON writes the report as one object.
func (r *Report) PrintJSON(w io.Writer, s *web.Speaker) error {
	data, err := json.MarshalIndent(r.JSON(s), "", "  ")
	if err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

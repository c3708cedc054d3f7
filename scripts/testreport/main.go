// Command testreport reads `go test -json` on standard input and prints what a person
// wants of it: each package as it ends, the output of what failed, and the
// tests that skipped. It fails when a test failed or skipped for another
// reason than missing photos.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// photosReason begins every skip that is allowed, see internal/testbed.Photos.
const photosReason = "photos: none at"

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

type test struct{ pkg, name string }

type report struct {
	out             io.Writer
	output          map[test][]string
	passed          int
	failed, skipped []test
	builds          []string
}

func main() {
	r := &report{out: os.Stdout, output: map[test][]string{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		r.line(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "read the tests' output:", err)
		os.Exit(1)
	}
	if !r.finish() {
		os.Exit(1)
	}
}

func (r *report) line(text []byte) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		fmt.Fprintln(r.out, string(text))
		return
	}
	key := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		r.builds = append(r.builds, e.Output)
	case "pass":
		if e.Test == "" {
			fmt.Fprintf(r.out, "  ok    %-52s %6.1f s\n", e.Package, e.Elapsed)
		} else if !strings.Contains(e.Test, "/") {
			r.passed++
		}
		delete(r.output, key)
	case "fail":
		if e.Test == "" {
			fmt.Fprintf(r.out, "  FAIL  %-52s %6.1f s\n", e.Package, e.Elapsed)
		}
		r.failed = append(r.failed, key)
	case "skip":
		if e.Test != "" {
			r.skipped = append(r.skipped, key)
		}
	}
}

// finish prints the failures, the skips and the closing line.
func (r *report) finish() bool {
	tests, good := 0, true
	for _, key := range r.failed {
		if key.name != "" && !strings.Contains(key.name, "/") {
			tests++
		}
		fmt.Fprintf(r.out, "\n%s %s failed:\n%s", key.pkg, key.name, strings.Join(r.output[key], ""))
		good = false
	}
	fmt.Fprint(r.out, strings.Join(r.builds, ""))
	for _, key := range r.skipped {
		reason := strings.Join(r.output[key], "")
		fmt.Fprintf(r.out, "  skipped %s %s\n", key.pkg, key.name)
		if !strings.Contains(reason, photosReason) {
			fmt.Fprintf(r.out, "    only a test on photos may skip; this one said:\n%s", reason)
			good = false
		}
	}
	if !good && tests == 0 {
		tests = 1 // a package that did not build, or a forbidden skip
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, tests, len(r.skipped))
	return good
}

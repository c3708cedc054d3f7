package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestReportFailsForAFailureAndForAForbiddenSkip(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lines string
		good  bool
		says  string
	}{
		"all well": {`{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":0.1}`, true, "1 passed, 0 failed, 0 skipped"},
		"failure": {`{"Action":"output","Package":"p","Test":"TestA","Output":"wrong sum\n"}
{"Action":"fail","Package":"p","Test":"TestA"}`, false, "wrong sum"},
		"no photos": {`{"Action":"output","Package":"p","Test":"TestA","Output":"x: photos: none at y\n"}
{"Action":"skip","Package":"p","Test":"TestA"}`, true, "1 skipped"},
		"missing tool": {`{"Action":"output","Package":"p","Test":"TestA","Output":"no browser\n"}
{"Action":"skip","Package":"p","Test":"TestA"}`, false, "only a test on photos may skip"},
		"build failed": {`{"Action":"build-output","ImportPath":"p","Output":"undefined: x\n"}
{"Action":"fail","Package":"p"}`, false, "undefined: x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			r := &report{out: &out, output: map[test][]string{}}
			for line := range strings.Lines(c.lines) {
				r.line([]byte(line))
			}
			if good := r.finish(); good != c.good {
				t.Errorf("finish() = %v, want %v", good, c.good)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("output lacks %q:\n%s", c.says, out.String())
			}
		})
	}
}

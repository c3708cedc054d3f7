package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// goldenBundle is a model for the task grade, trained on rendered pumpkins.
const goldenBundle = "../../internal/bundle/testdata/format1.gourdian"

// ctl runs one command line as main does.
func ctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), &streams{out: &out, err: &err}, args)
	return code, out.String(), err.String()
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		code int
		says string // on standard error
	}{
		{"--help", exitDone, ""},
		{"help model", exitDone, ""},
		{"model --help", exitDone, ""},
		{"model inspect --help", exitDone, ""},
		{"model bench --help", exitDone, ""},
		{"model calibrate --help", exitDone, ""},
		{"model bench", exitWrongUse, "FILE is missing"},
		{"model bench x --threads 0", exitWrongUse, "--threads 0"},
		{"model bench x --provider gpu", exitWrongUse, `provider "gpu" is unknown`},
		{"model bench x --require-provider npu", exitWrongUse, `"npu" is none of cpu`},
		{"model bench no-such-file", exitFailed, "no such file"},
		{"model calibrate", exitWrongUse, "--out is missing"},
		{"model calibrate --out x --rendered 0", exitWrongUse, "no picture"},
		{"model calibrate --out x --rule entropy", exitWrongUse, "choose from"},
		{"model calibrate --out no-such-folder/x", exitWrongUse, "there is no folder"},
		{"version", exitDone, ""},
		{"model inspect " + goldenBundle, exitDone, ""},
		{"", exitWrongUse, "which command?"},
		{"model", exitWrongUse, "which command?"},
		{"modle", exitWrongUse, "did you mean model?"},
		{"model inspekt x", exitWrongUse, "did you mean inspect?"},
		{"--quiet", exitWrongUse, "unknown flag: --quiet"},
		{"version now", exitWrongUse, "now"},
		{"version --json=perhaps", exitWrongUse, "invalid argument"},
		{"model inspect", exitWrongUse, "FILE is missing"},
		{"model inspect a b", exitWrongUse, `one FILE, please: "b"`},
		{"model inspect --jsn " + goldenBundle, exitWrongUse, "unknown flag: --jsn"},
		{"model inspect no-such-file", exitFailed, "no such file"},
		{"model inspect main.go", exitFailed, "does not begin with a manifest"},
		{"model inspect .", exitFailed, "not a plain file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := ctl(t, strings.Fields(c.args)...)
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Errorf("exit code %d, want %d; standard error: %s", code, c.code, stderr)
			}
			if done := c.code == exitDone; done != (stdout != "") || done != (stderr == "") {
				t.Errorf("a result on the wrong stream; standard output %q, standard error %q", stdout, stderr)
			}
			if c.code == exitWrongUse && !strings.Contains(stderr, "--help") {
				t.Errorf("wrong use does not say where to learn: %s", stderr)
			}
		})
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	t.Parallel()
	root := newRoot(&streams{out: io.Discard, err: io.Discard})
	for queue := root.Commands(); len(queue) > 0; queue = queue[1:] {
		c := queue[0]
		queue = append(queue, c.Commands()...)
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short help %q", c.CommandPath(), c.Short)
		}
		if c.Args == nil {
			t.Errorf("%s: arguments are not checked, so that wrong ones would not be wrong use", c.CommandPath())
		}
	}
}

func TestInterruptionIsFailureAndSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, &streams{out: &out, err: &errs}, []string{"model", "inspect", "no-such-file"})
	if code != exitFailed || !strings.Contains(errs.String(), "interrupted") || out.Len() > 0 {
		t.Errorf("exit code %d, standard error %q", code, errs.String())
	}
}

func TestVersionAsJSON(t *testing.T) {
	t.Parallel()
	code, stdout, _ := ctl(t, "version", "--json")
	var got versionReport
	if err := decodeOne(stdout, &got); err != nil || code != exitDone {
		t.Fatalf("exit code %d, %v in %s", code, err, stdout)
	}
	if got.BundleFormat != 1 || got.Preprocess == "" || got.Version == "" {
		t.Errorf("%+v", got)
	}
}

// decodeOne reads exactly one JSON object without unknown fields.
func decodeOne(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

func TestFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "model.gourdian")
	if err := writeFile(path, func(w io.Writer) error { _, err := io.WriteString(w, "old"); return err }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := writeFile(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "new"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("a failed write left %q, %v", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := writeFile(filepath.Join(dir, "none", "x"), func(io.Writer) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestProgressWithoutATerminalIsALineNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		p := (&streams{out: &out, err: &errs}).startProgress("read pictures", 100)
		for i := range 100 {
			<-time.After(100 * time.Millisecond)
			p.set(i + 1)
		}
		p.finish()
		want := []string{"read pictures: 50 of 100", "read pictures: 100 of 100", "read pictures: 100 of 100", ""}
		if got := strings.Split(errs.String(), "\n"); !slices.Equal(got, want) || out.Len() > 0 {
			t.Errorf("lines %q", got)
		}
	})
}

func TestProgressOnATerminalIsABar(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	p := (&streams{out: &out, err: &errs, terminal: true}).startProgress("read pictures", 3)
	for i := range 3 {
		p.set(i + 1)
	}
	p.finish()
	if got := errs.String(); !strings.Contains(got, "\r") || !strings.HasSuffix(got, "read pictures: 3 of 3\n") || out.Len() > 0 {
		t.Errorf("printed %q", got)
	}
}

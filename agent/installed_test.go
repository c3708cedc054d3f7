package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gourdian/internal/bundle"
)

// sampleBundle is a whole bundle of another preprocessing than this program's.
const sampleBundle = "../internal/bundle/testdata/format1.gourdian"

func TestRefusedModelLeavesTheOldOneInPlace(t *testing.T) {
	t.Parallel()
	damaged := filepath.Join(t.TempDir(), "damaged.gourdian")
	data, err := os.ReadFile(sampleBundle)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		why  error
	}{
		"missing":               {filepath.Join(t.TempDir(), "none"), os.ErrNotExist},
		"a folder":              {t.TempDir(), nil},
		"damaged":               {damaged, nil},
		"another preprocessing": {sampleBundle, bundle.ErrPreprocess},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := Config{Model: Model{Bundle: filepath.Join(dir, "model.gourdian")}}
			if err := os.WriteFile(config.Model.Bundle, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := InstallModel(config, c.file)
			if err == nil || c.why != nil && !errors.Is(err, c.why) {
				t.Errorf("InstallModel: %v", err)
			}
			left, _ := filepath.Glob(filepath.Join(dir, "*"))
			hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
			if old, err := os.ReadFile(config.Model.Bundle); len(left)+len(hidden) != 1 || err != nil || string(old) != "old" {
				t.Errorf("left %v %v: %q, %v", left, hidden, old, err)
			}
		})
	}
}

func TestModelIsNotInstalledWhereNoAgentEverRan(t *testing.T) {
	t.Parallel()
	config := Config{Model: Model{Bundle: filepath.Join(t.TempDir(), "no", "model.gourdian")}}
	if _, err := InstallModel(config, sampleBundle); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("InstallModel: %v", err)
	}
}

func TestConfigOfThePackageIsForItsOwnProgram(t *testing.T) {
	t.Parallel()
	if got := DefaultFile("/home/maria/gourdian/bin/gourdian-agent"); got != "" {
		t.Errorf("a program of a checkout reads %q", got)
	}
}

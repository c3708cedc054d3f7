package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command line of the hub that ends by itself.
func run(t *testing.T, args ...string) (said string, err error) {
	t.Helper()
	c := command()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err = c.ExecuteContext(t.Context())
	return out.String(), err
}

// configFile is a config of a hub in a folder of the test.
func configFile(t *testing.T, more string) (path, data string) {
	t.Helper()
	dir := t.TempDir()
	path, data = filepath.Join(dir, "hub.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(path, []byte("data: "+data+"\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func TestWrongUseIsToldFromWhatFailed(t *testing.T) {
	t.Parallel()
	path, data := configFile(t, "")
	broken, _ := configFile(t, "listne: :8443\n")
	out := filepath.Join(t.TempDir(), "hub.tar")
	for _, tc := range []struct {
		args  []string
		wrong bool // use, exit code 2; else it failed, exit code 1
		says  string
	}{
		{[]string{"--config", path, "serve"}, true, "serve"},
		{[]string{"--konfig", path}, true, "unknown flag"},
		{[]string{"--config", filepath.Join(data, "none.yaml")}, true, "none.yaml"},
		{[]string{"--config", broken, "--print-config"}, true, "listne"},
		{[]string{"--config", path, "backup"}, true, "1 arg"},
		{[]string{"--config", path, "reset-password", "ana", "eva"}, true, "1 arg"},
		{[]string{"--config", path, "backup", out}, false, "no such file"},
		{[]string{"--config", path, "restore", path}, false, "this is no whole backup"},
		{[]string{"--config", path, "reset-password", "nobody"}, false, "nobody"},
	} {
		_, err := run(t, tc.args...)
		var usage *usageError
		if err == nil || errors.As(err, &usage) != tc.wrong || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%v: wrong use %v: %v", tc.args[1:], errors.As(err, &usage), err)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a backup of nothing was made")
	}
}

func TestPrintedConfigIsThatOfTheFile(t *testing.T) {
	t.Parallel()
	path, data := configFile(t, "database: postgres://hub:secret@db.example/hub\n")
	said, err := run(t, "--config", path, "--print-config")
	if err != nil || !strings.Contains(said, data) || !strings.Contains(said, "db.example") || strings.Contains(said, "secret") {
		t.Errorf("%v\n%s", err, said)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("printing the config makes a data folder")
	}
}

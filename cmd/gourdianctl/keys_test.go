package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/internal/keyring"
)

// withPassphrase runs a command line of somebody who has set one.
func withPassphrase(t *testing.T, words string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), &streams{out: &out, err: &err, getenv: func(string) string { return words }}, args)
	return code, out.String(), err.String()
}

const words = "nine orange pumpkins"

func TestKeysAreMadeShownMovedAndRotated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, stick := filepath.Join(dir, "hub"), filepath.Join(dir, "root.key")
	must := func(want int, args ...string) string {
		t.Helper()
		code, out, err := withPassphrase(t, words, args...)
		if code != want {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out, err)
		}
		return out + err
	}
	must(exitDone, "keys", "init", "--data", data, "--root", stick)
	must(exitFailed, "keys", "init", "--data", data, "--root", stick+"2") // it has its keys
	first := filepath.Join(data, "trust", "1.root.json")
	if said := must(exitDone, "keys", "show", first); !strings.Contains(said, "root 1") || !strings.Contains(said, "signed by its own keys") {
		t.Error(said)
	}
	if _, err := os.Stat(filepath.Join(data, "keys", "root.key")); err == nil {
		t.Error("the root key lies on the hub")
	}
	if code, _, said := withPassphrase(t, "too short", "keys", "init", "--data", dir, "--root", stick+"3"); code != exitWrongUse {
		t.Errorf("a short passphrase: %d %s", code, said)
	}
	moved := filepath.Join(dir, "moved.key")
	must(exitDone, "keys", "move", stick, moved)
	if _, err := os.Stat(stick); err == nil {
		t.Error("the key is still where it was")
	}
	next, key := filepath.Join(dir, "next.json"), filepath.Join(data, "keys", "targets-2.key")
	if said := must(exitDone, "keys", "rotate", "--in", first, "--role", "targets", "--key", key, "--out", next); !strings.Contains(said, "not signed yet") {
		t.Error(said)
	}
	if code, _, _ := withPassphrase(t, "a wrong passphrase", "keys", "sign", next, "--key", moved); code != exitFailed {
		t.Error("a wrong passphrase signs")
	}
	must(exitDone, "keys", "sign", next, "--key", moved)
	before, err := readRoot(first)
	if err != nil {
		t.Fatal(err)
	}
	after, err := readRoot(next)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := keyring.Read(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Follows(before); err != nil || !after.Holds(keyring.TargetsRole, fresh.ID()) {
		t.Errorf("the next root: %v", err)
	}
	for _, wrong := range [][]string{
		{"keys", "rotate", "--out", next}, {"keys", "rotate", "--in", first, "--out", next, "--role", "targets"},
		{"keys", "rotate", "--in", first, "--out", next, "--role", "king", "--key", key}, {"keys", "sign", next}, {"keys", "show"}, {"keys", "init"},
	} {
		must(exitWrongUse, wrong...)
	}
}

// TestRootAndRolloutsTravelToTheHub: what is asked of it, and how its answers
// are said.
func TestRootAndRolloutsTravelToTheHub(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, said := withPassphrase(t, words, "keys", "init", "--data", dir, "--root", filepath.Join(dir, "root.key")); code != exitDone {
		t.Fatal(said)
	}
	root := filepath.Join(dir, "trust", "1.root.json")
	data, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	const one = `{"id":"5f0c","number":4,"version":3,"state":"stopped","why":"north: golden: no","counts":{"failed":1,"queued":5},
		"boards":[{"name":"north","wave":1,"state":"failed","stage":"refused","step":"golden","why":"no"}]}`
	var asked []string
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		asked = append(asked, r.Method+" "+r.URL.Path+" "+body.String())
		switch {
		case r.URL.Path == "/api/v1/trust/root":
			_, err = w.Write(data)
		case r.URL.Path == "/api/v1/rollouts" && r.Method == http.MethodGet:
			_, err = w.Write([]byte(`{"rollouts":[` + one + `]}`))
		default:
			_, err = w.Write([]byte(one))
		}
		if err != nil {
			t.Error(err)
		}
	}))
	defer hub.Close()
	for _, c := range []struct {
		args, asks, says string
	}{
		{"keys show --hub HUB", "GET /api/v1/trust/root ", "root 1"},
		{"keys publish " + root + " --hub HUB", "POST /api/v1/trust/root " + string(data), "root 1 counts"},
		{"rollout list --hub HUB", "GET /api/v1/rollouts ", "1 failed, 5 queued"},
		{"rollout show 5f0c --hub HUB", "GET /api/v1/rollouts/5f0c ", "refused at golden: no"},
		{"rollout start 3 --hub HUB --reason wet --waves 1,100% --soak 1h --site north", `POST /api/v1/rollouts {"plan":{"site":"north","share":100,"waves":["1","100%"],"soak_seconds":3600},"reason":"wet","version":3}`, "why: north"},
		{"rollout pause 5f0c --hub HUB", "POST /api/v1/rollouts/5f0c/pause {}", "rollout 4"},
		{"rollout resume 5f0c --hub HUB", "POST /api/v1/rollouts/5f0c/resume {}", "rollout 4"},
		{"rollout abort 5f0c --hub HUB --reason mud --revert", `POST /api/v1/rollouts/5f0c/abort {"reason":"mud","revert":true}`, "rollout 4"},
	} {
		asked = nil
		code, stdout, stderr := ctl(t, strings.Fields(strings.ReplaceAll(c.args, "HUB", hub.URL))...)
		if code != exitDone || !strings.Contains(stdout, c.says) || len(asked) != 1 || asked[0] != c.asks {
			t.Errorf("%s: exit code %d, asked %q\n%s%s", c.args, code, asked, stdout, stderr)
		}
	}
	for _, args := range []string{"rollout start 3 --hub HUB", "rollout start x --hub HUB --reason y", "rollout abort 5f0c --hub HUB", "rollout pause --hub HUB", "rollout list"} {
		if code, _, said := ctl(t, strings.Fields(strings.ReplaceAll(args, "HUB", hub.URL))...); code != exitWrongUse {
			t.Errorf("%s: exit code %d %s", args, code, said)
		}
	}
}

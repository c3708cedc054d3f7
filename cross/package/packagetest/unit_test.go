package packagetest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gourdian/agent"
)

// setting is one line of a unit file.
type setting struct{ section, key, value string }

// unit is a systemd unit, line by line.
type unit []setting

func readUnit(t *testing.T) unit {
	t.Helper()
	data, err := os.ReadFile("../gourdian-agent.service")
	if err != nil {
		t.Fatal(err)
	}
	var u unit
	section := ""
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSpace(text)
		switch key, value, isSetting := strings.Cut(text, "="); {
		case text == "" || text[0] == '#':
		case text[0] == '[':
			section = strings.Trim(text, "[]")
		case isSetting:
			u = append(u, setting{section, key, value})
		default:
			t.Fatalf("the unit holds %q", text)
		}
	}
	return u
}

// all returns every value of a key.
func (u unit) all(section, key string) []string {
	var values []string
	for _, s := range u {
		if s.section == section && s.key == key {
			values = append(values, s.value)
		}
	}
	return values
}

// one returns the value of a key that must be there once.
func (u unit) one(t *testing.T, section, key string) string {
	t.Helper()
	values := u.all(section, key)
	if len(values) != 1 {
		t.Fatalf("[%s] %s stands there %d times", section, key, len(values))
	}
	return values[0]
}

// seconds reads a time as systemd has it without a unit.
func (u unit) seconds(t *testing.T, section, key string) time.Duration {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(u.one(t, section, key), "%d", &n); err != nil {
		t.Fatalf("[%s] %s: %v", section, key, err)
	}
	return time.Duration(n) * time.Second
}

func TestUnitStartsForEverWhatThePackageInstalls(t *testing.T) {
	t.Parallel()
	u := readUnit(t)
	command := strings.Fields(u.one(t, "Service", "ExecStart"))
	if len(command) != 3 || command[2] != agent.InstalledConfig || agent.DefaultFile("/elsewhere/bin/agent") != "" {
		t.Errorf("ExecStart is %v", command)
	}
	if got := "/var/lib/" + u.one(t, "Service", "StateDirectory"); got != agent.InstalledData {
		t.Errorf("the unit makes %s, the agent writes to %s", got, agent.InstalledData)
	}
	if u.one(t, "Service", "Restart") != "always" || u.one(t, "Unit", "StartLimitIntervalSec") != "0" {
		t.Error("the unit gives up some time")
	}
	// All parts, workers included, have a little over ten seconds to stop.
	if stop := u.seconds(t, "Service", "TimeoutStopSec"); stop < 15*time.Second {
		t.Errorf("what stops is killed after %v", stop)
	}
}

func TestExampleConfigIsAcceptedAsItIsAndWithItsExamples(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	load := func(text string) agent.Config {
		t.Helper()
		path := t.TempDir() + "/agent.yaml"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := agent.Load(path, nil, agent.Default(t.TempDir()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return config
	}
	asIs := load(string(data))
	if asIs.Data != agent.InstalledData || len(asIs.Cameras) != 0 || asIs.Model.Bundle != agent.InstalledData+"/model.gourdian" {
		t.Errorf("config as it is: %+v", asIs)
	}
	before, examples, found := strings.Cut(string(data), "cameras: []\n")
	if !found {
		t.Fatal("the example has no empty list of cameras")
	}
	edited := before + "cameras:\n" + strings.ReplaceAll("\n"+examples, "\n#", "\n")
	if config := load(edited); len(config.Cameras) != 2 {
		t.Errorf("cameras of the examples: %+v", config.Cameras)
	}
}

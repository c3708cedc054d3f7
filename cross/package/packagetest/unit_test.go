package packagetest

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"gourdian/agent"
	"gourdian/cloud"
)

// setting is one line of a unit file.
type setting struct{ section, key, value string }

// unit is a systemd unit, line by line.
type unit []setting

// Units of the packages.
const (
	agentUnit = "../agent/gourdian-agent.service"
	hubUnit   = "../hub/gourdian-hub.service"
)

func readUnit(t *testing.T, path string) unit {
	t.Helper()
	data, err := os.ReadFile(path)
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
	for path, installed := range map[string]struct{ config, data, elsewhere string }{
		agentUnit: {agent.InstalledConfig, agent.InstalledData, agent.DefaultFile("/elsewhere/bin/agent")},
		hubUnit:   {cloud.InstalledConfig, cloud.InstalledData, cloud.DefaultFile("/elsewhere/bin/hub")},
	} {
		u := readUnit(t, path)
		command := strings.Fields(u.one(t, "Service", "ExecStart"))
		if len(command) != 3 || command[2] != installed.config || installed.elsewhere != "" {
			t.Errorf("%s: ExecStart is %v", path, command)
		}
		if got := "/var/lib/" + u.one(t, "Service", "StateDirectory"); got != installed.data {
			t.Errorf("%s makes %s, the program writes to %s", path, got, installed.data)
		}
		if u.one(t, "Service", "Restart") != "always" || u.one(t, "Unit", "StartLimitIntervalSec") != "0" {
			t.Errorf("%s gives up some time", path)
		}
		// All parts, workers included, have a little over ten seconds to stop.
		if stop := u.seconds(t, "Service", "TimeoutStopSec"); stop < 15*time.Second {
			t.Errorf("%s: what stops is killed after %v", path, stop)
		}
	}
}

func TestExampleConfigIsAcceptedAsItIsAndWithItsExamples(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../agent/agent.yaml")
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

func TestExampleConfigOfTheHubIsAcceptedAsItIsAndWithItsExamples(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../hub/hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	load := func(text string) cloud.Config {
		t.Helper()
		path := t.TempDir() + "/hub.yaml"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := cloud.Load(path, nil, cloud.Default(t.TempDir()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return config
	}
	defaults := cloud.Default(t.TempDir())
	asIs := load(string(data))
	if asIs.Data != cloud.InstalledData || asIs.Address != "" || asIs.Database != "" || asIs.Listen != defaults.Listen ||
		asIs.ListenMQTT != defaults.ListenMQTT || asIs.ListenPlain != defaults.ListenPlain {
		t.Errorf("config as it is: %+v", asIs)
	}
	// A line that holds a setting behind its "#" has no blank there.
	edited := regexp.MustCompile(`(?m)^#(\S|  \S)`).ReplaceAllString(string(data), "$1")
	if config := load(edited); config.Address == "" || config.Database == "" || len(config.Names) != 2 || config.TLS.Key == "" {
		t.Errorf("config with its examples: %+v", config)
	}
}

package cloud

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(path, []byte("data: /a\nlisten: \":1\"\nworkers:\n  infer: /x\nnames: [a]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, []string{
		"GOURDIAN_HUB_LISTEN_PLAIN=127.0.0.1:0", "GOURDIAN_HUB_WORKERS_ONNXRUNTIME=/lib/x.so", "GOURDIAN_HUB_LISTEN=:0",
		"GOURDIAN_HUB_NAMES=hub.example,10.0.0.1", "GOURDIAN_AGENT_LISTEN=:9", "HOME=/root",
	}, Default("/nonexistent"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "/a" || c.Listen != ":0" || c.ListenPlain != "127.0.0.1:0" || c.Workers.Infer != "/x" ||
		c.Workers.OnnxRuntime != "/lib/x.so" || strings.Join(c.Names, " ") != "hub.example 10.0.0.1" || c.ListenMQTT != ":8883" {
		t.Errorf("%+v", c)
	}
}

func TestMistakesAreRefusedWithTheirPath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"lisen: \":1\"":                  "lisen",
		"listen: nowhere":                "listen",
		"listen_plain: \":8480\"":        "listen_plain",
		"listen_plain: \"10.0.0.1:80\"":  "listen_plain",
		"address: http://hub":            "address",
		"address: https://hub:1/path":    "address",
		"log: loud":                      "log",
		"tls:\n  certificate: /x":        "tls",
		"alerts:\n  webhook: ftp://x":    "alerts.webhook",
		"workers:\n  trainer: /x":        "trainer",
		"data: \"\"":                     "data",
		"time_zone: Mars/Olympus":        "time_zone",
		"samples:\n  quota_gb: 0":        "samples.quota_gb",
		"predict:\n  per_minute: 0":      "predict.per_minute",
		"backup:\n  keep: 0":             "backup.keep",
		"listen: \":1\"\nlisten_mqtt: x": "listen_mqtt",
	} {
		path := filepath.Join(t.TempDir(), "hub.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, nil, Default("/nonexistent")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Load("", []string{"GOURDIAN_HUB_LISENT=:1"}, Default("/nonexistent")); err == nil || !strings.Contains(err.Error(), "LISENT") {
		t.Errorf("an unknown variable: %v", err)
	}
}

// TestWhatFileAndEnvironmentNameIsFixed: also where they say the default.
func TestWhatFileAndEnvironmentNameIsFixed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(path, []byte("name: gourdian\nsamples:\n  keep_days: 3\npredict:\n  queue: 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, []string{"GOURDIAN_HUB_PREDICT_ACCESS=off", "GOURDIAN_HUB_ALERTS_WEBHOOK="}, Default("/nonexistent"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.fixed, " "); got != "name predict.access samples.keep_days alerts.webhook" {
		t.Errorf("fixed are %s", got)
	}
	again := c.with(c.settings())
	if v := again.settings(); v != c.settings() || v.Predict.Access != "off" {
		t.Errorf("%+v", v)
	}
}

func TestPrintedConfigHoldsNoSecret(t *testing.T) {
	t.Parallel()
	c := Default("/nonexistent")
	c.Database, c.Alerts.Webhook = "postgres://hub:s3cret@db/hub", "https://hooks.example/T0/s3cret"
	var out bytes.Buffer
	if err := c.Print(&out); err != nil || strings.Contains(out.String(), "s3cret") || !strings.Contains(out.String(), "postgres://hub@db/hub") {
		t.Errorf("%v\n%s", err, &out)
	}
	c.Database, c.Alerts.Webhook = "", ""
	out.Reset()
	path := filepath.Join(t.TempDir(), "hub.yaml")
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(out.String(), "database: /var/lib/gourdian/hub/hub.sqlite", `database: ""`, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(path, nil, Config{}); err != nil || again.Listen != c.Listen || again.DSN() != c.DSN() {
		t.Errorf("what was printed can't be read: %v\n%s", err, text)
	}
}

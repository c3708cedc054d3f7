package cloud

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/setting"
	"gourdian/internal/configfile"
)

// InstalledData is where an installed hub keeps its data.
const InstalledData = "/var/lib/gourdian/hub"

// databaseName is the SQLite database in the data folder.
const databaseName = "hub.sqlite"

// Config is what the hub is started with.
type Config struct {
	Data        string   `koanf:"data"`         // folder of database, pictures, models and keys; made when missing
	Listen      string   `koanf:"listen"`       // console and API, HTTPS, host:port
	ListenPlain string   `koanf:"listen_plain"` // the same without encryption, on this machine only; "" = none
	ListenMQTT  string   `koanf:"listen_mqtt"`  // boards, MQTT over TLS, host:port
	Address     string   `koanf:"address"`      // https://host:port under which boards and people reach the hub; "" = by the machine's name
	Name        string   `koanf:"name"`         // of the hub, for people
	TimeZone    string   `koanf:"time_zone"`    // of times on pages; "" = the machine's
	Database    string   `koanf:"database"`     // "" = SQLite in the data folder, or postgres://…
	Log         string   `koanf:"log"`          // "debug", "info", "warn" or "error"
	TLS         TLS      `koanf:"tls"`
	Workers     Workers  `koanf:"workers"`
	Predict     Predict  `koanf:"predict"`
	Rollout     Rollout  `koanf:"rollout"`
	Drift       Drift    `koanf:"drift"`
	Names       []string `koanf:"names"` // further host names and addresses in the hub's own certificate

	// What follows, with name, time zone and some of predict, can be changed on
	// the hub's page where file and environment do not name it.
	Alerts   setting.Alerts   `koanf:"alerts"`
	Samples  setting.Samples  `koanf:"samples"`
	Labels   setting.Labels   `koanf:"labels"`
	Training setting.Training `koanf:"training"`
	Backup   setting.Backup   `koanf:"backup"`

	fixed []string // keys that file or environment name
}

// TLS is a certificate from elsewhere for the console; "" = the hub's own CA.
type TLS struct {
	Certificate string `koanf:"certificate"` // path of the PEM file, the whole chain
	Key         string `koanf:"key"`         // path of the PEM file
}

// Workers are the paths of the worker programs; "" = beside the hub.
type Workers struct {
	Camera      string `koanf:"camera"`
	Infer       string `koanf:"infer"`
	OnnxRuntime string `koanf:"onnxruntime"` // path of the library; "" = the worker looks for it
	Backbone    string `koanf:"backbone"`    // path of the network's weights that training starts from; "" = looked for
}

// Default is the config where nothing is said. dir is the folder that the
// program was started in: a checkout keeps its data in its cache.
func Default(dir string) Config {
	data := InstalledData
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		data = filepath.Join(dir, ".cache", "hub")
	}
	v := setting.Defaults()
	return Config{
		Data: data, Listen: ":8443", ListenPlain: "127.0.0.1:8480", ListenMQTT: ":8883", Name: v.Name, TimeZone: v.TimeZone, Log: "info",
		Predict: Predict{Access: v.Predict.Access, PerMinute: v.Predict.PerMinute, Queue: 64, Seconds: 10},
		Rollout: defaultRollout(), Drift: defaultDrift(),
		Alerts: v.Alerts, Samples: v.Samples, Labels: v.Labels, Training: v.Training, Backup: v.Backup,
	}
}

// settings are the values of what can be changed on the page.
func (c *Config) settings() setting.Values {
	return setting.Values{
		Name: c.Name, TimeZone: c.TimeZone, Predict: setting.Predict{Access: c.Predict.Access, PerMinute: c.Predict.PerMinute},
		Samples: c.Samples, Labels: c.Labels, Training: c.Training, Alerts: c.Alerts, Backup: c.Backup,
	}
}

// with is the config with what the page says.
func (c Config) with(v setting.Values) Config {
	c.Name, c.TimeZone, c.Predict.Access, c.Predict.PerMinute = v.Name, v.TimeZone, v.Predict.Access, v.Predict.PerMinute
	c.Samples, c.Labels, c.Training, c.Alerts, c.Backup = v.Samples, v.Labels, v.Training, v.Alerts, v.Backup
	return c
}

// Validate reports every problem with its path.
func (c *Config) Validate() error {
	var errs []error
	fault := func(path string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	if c.Data == "" {
		fault("data", errors.New("name a folder for database, pictures and keys"))
	}
	fault("listen", checkListen(c.Listen))
	fault("listen_mqtt", checkListen(c.ListenMQTT))
	if c.ListenPlain != "" {
		fault("listen_plain", checkPlain(c.ListenPlain))
	}
	if c.Address != "" {
		u, err := url.Parse(c.Address)
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			fault("address", fmt.Errorf("%q is no https://host:port", c.Address))
		}
	}
	_, err := configfile.Level(c.Log)
	fault("log", err)
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		fault("tls", errors.New("certificate and key go together"))
	}
	values := c.settings()
	setting.Check(&values, fault)
	c.Predict.check(fault)
	c.Rollout.check(fault)
	c.Drift.check(fault)
	return errors.Join(errs...)
}

// DSN is the address of the database.
func (c *Config) DSN() string {
	if c.Database == "" {
		return filepath.Join(c.Data, databaseName)
	}
	return c.Database
}

// Level is the least level that is logged.
func (c *Config) Level() slog.Level {
	level, err := configfile.Level(c.Log)
	if err != nil {
		return slog.LevelInfo // Validate refused it before
	}
	return level
}

func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no host:port (such as :8443)", address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port between 0 and 65535", address)
	}
	return nil
}

// checkPlain keeps passwords off the network: without encryption the hub is for
// this machine, and for a reverse proxy on it.
func checkPlain(address string) error {
	if err := checkListen(address); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not this machine alone: passwords would cross the network unencrypted", address)
	}
	return nil
}

// tree is the config as YAML has it, without passwords.
func (c *Config) tree() map[string]any {
	webhook := setting.Hide(c.Alerts.Webhook) // such addresses are secrets
	return map[string]any{
		"data": c.Data, "listen": c.Listen, "listen_plain": c.ListenPlain, "listen_mqtt": c.ListenMQTT,
		"address": c.Address, "name": c.Name, "time_zone": c.TimeZone, "database": db.Hide(c.DSN()), "log": c.Log, "names": c.Names,
		"tls":      map[string]any{"certificate": c.TLS.Certificate, "key": c.TLS.Key},
		"workers":  map[string]any{"camera": c.Workers.Camera, "infer": c.Workers.Infer, "onnxruntime": c.Workers.OnnxRuntime},
		"alerts":   map[string]any{"webhook": webhook},
		"samples":  map[string]any{"quota_gb": c.Samples.QuotaGB, "per_board": c.Samples.PerBoard, "keep_days": c.Samples.KeepDays, "visitors_days": c.Samples.VisitorsDays},
		"labels":   map[string]any{"claim_minutes": c.Labels.ClaimMinutes, "enough": c.Labels.Enough},
		"training": map[string]any{"groups": c.Training.Groups, "golden_percent": c.Training.GoldenPercent},
		"backup":   map[string]any{"every_hours": c.Backup.EveryHours, "keep": c.Backup.Keep},
		"predict":  map[string]any{"access": c.Predict.Access, "per_minute": c.Predict.PerMinute, "workers": c.Predict.Workers, "queue": c.Predict.Queue, "seconds": c.Predict.Seconds},
		"drift":    map[string]any{"learn_days": c.Drift.LearnDays, "least_sightings": c.Drift.LeastSightings, "day_hours": c.Drift.DayHours},
		"rollout":  map[string]any{"kb_per_second": c.Rollout.KBPerSecond, "mb_per_day": c.Rollout.MBPerDay},
	}
}

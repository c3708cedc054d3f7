//go:build workers

package agent

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/testbed"
)

// sensor is a thermal zone in a folder that stands for the machine's root.
type sensor struct{ root string }

func newSensor(t *testing.T) sensor {
	t.Helper()
	s := sensor{t.TempDir()}
	s.write(t, "type", "cpu-thermal\n")
	return s
}

func (s sensor) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.root, "sys/class/thermal/thermal_zone0", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// onePicture is a folder with a photo in it.
func onePicture(t *testing.T) string {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 320, 240)), nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.jpg"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestHotBoardSlowsDownAndSaysSo: from the sensor's file to the camera's worker.
func TestHotBoardSlowsDownAndSaysSo(t *testing.T) {
	t.Parallel()
	var log transcript
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	sensor := newSensor(t)
	sensor.write(t, "temp", "50000\n")
	config := Config{
		Data: t.TempDir(), Listen: "127.0.0.1:0", Log: "info", Profile: "raspberry-pi-5",
		Workers: Workers{Camera: testbed.Program(t, capture.Program)},
		Cameras: []Camera{{ID: "barn", Source: "folder:" + onePicture(t) + "?loop=1&fps=10", FPS: 5}},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- runOn(ctx, os.DirFS(sensor.root), config, Build{Version: "test"}, slog.New(slog.NewTextHandler(&log, nil)))
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	p := &program{}
	address := regexp.MustCompile(`device page is served.* address=(\S+)`)
	until(t, "the page is served", func() bool {
		found := address.FindStringSubmatch(log.String())
		if found != nil {
			p.url = "http://" + found[1]
		}
		return found != nil
	})
	// seen is how the board is: temperature, share of the rate, pictures a second,
	// whether it says that it is hot.
	seen := func() (celsius, rate, perSecond float64, hot bool) {
		var s struct {
			Heat struct {
				Celsius float64 `json:"celsius"`
				Rate    float64 `json:"rate"`
			} `json:"heat"`
			Cameras []struct {
				FPS float64 `json:"frames_per_second"`
			} `json:"cameras"`
			Conditions []struct {
				Code string `json:"code"`
			} `json:"conditions"`
		}
		p.get(t, "/api/v1/status", &s)
		for _, c := range s.Conditions {
			hot = hot || c.Code == "board_hot"
		}
		if len(s.Cameras) > 0 {
			perSecond = s.Cameras[0].FPS
		}
		return s.Heat.Celsius, s.Heat.Rate, perSecond, hot
	}
	until(t, "the cool board takes all pictures", func() bool {
		celsius, rate, perSecond, hot := seen()
		return celsius == 50 && rate == 1 && perSecond > 7 && !hot
	})
	sensor.write(t, "temp", "82500\n")
	until(t, "the hot board takes few", func() bool {
		celsius, rate, perSecond, hot := seen()
		return celsius == 82.5 && rate == 0.2 && perSecond < 2 && hot
	})
	sensor.write(t, "temp", "45000\n")
	until(t, "the board that is cool again takes all", func() bool {
		_, rate, perSecond, hot := seen()
		return rate == 1 && perSecond > 7 && !hot
	})
}

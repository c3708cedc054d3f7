package page

import (
	"strings"
	"testing"

	"gourdian/agent/internal/live"
)

func TestPageSaysHowWarmTheBoardIs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.SetKind(live.Kind{Profile: "raspberry-pi-5", Description: "Raspberry Pi 5"})
	r.hub.SetHeat(live.Heat{Known: true, Celsius: 61.34, Rate: 1})
	if text := r.get("/health").Body.String(); !strings.Contains(text, "<dd>61 °C</dd>") || !strings.Contains(text, "<dd>Raspberry Pi 5</dd>") {
		t.Error("the page says neither how warm the board is nor what board it is")
	}
	if status := r.get("/api/v1/status").Body.String(); !strings.Contains(status, `"profile":"raspberry-pi-5","heat":{"celsius":61.34,"rate":1}`) {
		t.Errorf("status: %s", status)
	}
	expect(t, metricsOf(t, r), map[string]float64{"gourdian_temperature_celsius": 61.34, "gourdian_heat_rate_ratio": 1})

	r.hub.SetHeat(live.Heat{Known: true, Celsius: 82, Rate: 0.2})
	r.hub.Raise(live.Condition{Code: "board_hot", Severity: live.Warning, Args: map[string]string{"celsius": "82", "percent": "20", "below": "75"}})
	text := r.get("/health").Body.String()
	for _, want := range []string{"<dd>82 °C, so it looks at 20 % of the usual pictures</dd>",
		"The board is hot: 82 °C. Until it is below 75 °C it looks at 20 % of the usual pictures.", "Put it in the shade"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestBoardWithoutASensorSaysNoTemperature(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hub.SetHeat(live.Heat{Rate: 1})
	if text := r.get("/health").Body.String(); strings.Contains(text, "°C") {
		t.Error("the page invents a temperature")
	}
	if status := r.get("/api/v1/status").Body.String(); !strings.Contains(status, `"heat":{"celsius":null,"rate":1}`) {
		t.Errorf("status: %s", status)
	}
	if _, there := metricsOf(t, r)["gourdian_temperature_celsius"]; there {
		t.Error("the metrics invent a temperature")
	}
}

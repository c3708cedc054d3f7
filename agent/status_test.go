package agent

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestStatusSaysHowAModelOfTheHubDoes(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"device":"b1","version":"1","model":{"id":"a6312a4d89f3fc36","name":"patch","variant":"int8","trust":"hub"},
			"update":{"text":"Downloading model a6312a4d89f3, 43 %."},"conditions":[{"severity":"warning","text":"The disk is nearly full."}]}`))
	}))
	defer page.Close()
	var out bytes.Buffer
	if err := Status(t.Context(), Config{Listen: page.Listener.Addr().String()}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"signed by the hub", "43 %", "a6312a4d89f3", "warning The disk"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	page.Close()
	if err := Status(t.Context(), Config{Listen: page.Listener.Addr().String()}, &out); err == nil || !strings.Contains(err.Error(), "is it running?") {
		t.Errorf("of no agent: %v", err)
	}
}

package alert

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/cloud/internal/health"
	"gourdian/internal/web"
)

// hook is a webhook without a network.
type hook struct {
	at   string // its address
	down bool
	got  []Message
}

func (h *hook) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.down {
		return nil, errors.New("no route to host")
	}
	var m Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	h.got = append(h.got, m)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

func sender(t *testing.T, h *hook, conditions *[]health.Condition) *Sender {
	t.Helper()
	h.at = "http://hook.example/x"
	texts, err := web.Load()
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{
		Webhook: func() string { return h.at }, Hub: func() string { return "farm" }, Words: texts.In(web.English),
		Client: &http.Client{Transport: h}, Log: slog.New(slog.DiscardHandler),
	}, func() []health.Condition { return append([]health.Condition(nil), *conditions...) })
}

// TestWebhookThatWasDownHearsEverythingOnce: begin and end of what lasts are
// told once each, also when the webhook was away; what comes and goes is not.
func TestWebhookThatWasDownHearsEverythingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &hook{down: true}
		var conditions []health.Condition
		s := sender(t, h, &conditions)
		conditions = []health.Condition{
			{Code: "disk_filling", Severity: health.Warning, Args: map[string]string{"free": "1.2 GB"}, Since: time.Now()},
			{Code: "page_assets_missing", Severity: health.Note, Since: time.Now()},
		}
		if err := s.look(t.Context()); err != nil {
			t.Errorf("told at once: %v", err)
		}
		<-time.After(settle)
		if err := s.look(t.Context()); err == nil {
			t.Error("a webhook that is down is no error")
		}
		h.down = false
		for range 3 {
			if err := s.look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		conditions = nil
		for range 2 {
			if err := s.look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(h.got) != 2 || h.got[0].Event != "begin" || h.got[1].Event != "end" || h.got[0].Code != "disk_filling" {
			t.Fatalf("%+v", h.got)
		}
		if text := h.got[0].Text; !strings.Contains(text, "1.2 GB") {
			t.Errorf("text %q", text)
		}
	})
}

// endless answers with a body that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (e *endless) Close() error               { return nil }

// hostile is a webhook that answers as nobody should.
type hostile struct{ answer *http.Response }

func (h hostile) RoundTrip(r *http.Request) (*http.Response, error) {
	h.answer.Request = r
	return h.answer, nil
}

func TestWebhookWithAHostileAnswerCostsLittle(t *testing.T) {
	t.Parallel()
	body := &endless{}
	for name, tc := range map[string]struct {
		answer *http.Response
		taken  bool
	}{
		"no end":            {&http.Response{StatusCode: http.StatusOK, Body: body}, true},
		"refused":           {&http.Response{Status: "418 teapot", StatusCode: http.StatusTeapot, Body: http.NoBody}, false},
		"redirects forever": {&http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://hook.example/x"}}, Body: http.NoBody}, false},
	} {
		s := sender(t, &hook{}, &[]health.Condition{})
		s.config.Client = &http.Client{Transport: hostile{tc.answer}}
		if err := s.Test(t.Context(), "http://hook.example/x"); (err == nil) != tc.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if body.read > 1<<20 {
		t.Errorf("%d bytes of an answer were read", body.read)
	}
}

package cloud

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is what a hub prints.
type screen struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func testConfig(dir string) Config {
	c := Default("/nonexistent")
	c.Data, c.Listen, c.ListenPlain, c.ListenMQTT = dir, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	// Workers that end at once: pictures are not what these tests are about, and
	// a hub whose workers fail goes on.
	c.Workers.Camera, c.Workers.Infer, c.Workers.OnnxRuntime = "/bin/false", "/bin/false", "/nonexistent"
	return c
}

// start runs a hub until the test or stop ends it.
func start(t *testing.T, config Config) (h *Hub, out *screen, stop func()) {
	t.Helper()
	out = &screen{}
	h, err := New(t.Context(), config, Build{Version: "test"}, slog.New(slog.DiscardHandler), out)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ends: %v", err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	ready, late := context.WithTimeout(ctx, time.Minute)
	defer late()
	if err := h.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	return h, out, stop
}

// until asks again and again until look is true.
func until(t *testing.T, what string, look func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(time.Minute); !look(); {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// browser keeps cookies and follows no redirects.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

const password = "a field of pumpkins"

// ask sends a request and returns status, body and where it leads.
func ask(t *testing.T, client *http.Client, method, address string, form url.Values, header ...string) (int, string, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body.String(), answer.Header.Get("Location")
}

// setUp opens the printed link as the first admin and returns the browser.
func setUp(t *testing.T, h *Hub, out *screen) *http.Client {
	t.Helper()
	link := regexp.MustCompile(`http://127\S+`)
	until(t, "the set-up link", func() bool { return link.MatchString(out.String()) })
	client := browser(t)
	form := url.Values{"name": {"ana"}, "password": {password}, "again": {password}}
	if status, body, to := ask(t, client, http.MethodPost, link.FindString(out.String()), form); status != http.StatusSeeOther {
		t.Fatalf("set-up: %d to %q\n%s", status, to, body)
	}
	return client
}

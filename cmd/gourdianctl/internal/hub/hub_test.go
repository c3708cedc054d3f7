package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	c, err := New(server.URL+"/", "secret", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		server.Close()
	})
	return c
}

func TestLoadTellsAnswersFromRefusalsFailuresAndSilence(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("image")
		if err != nil {
			t.Error(err)
			return
		}
		if data, err := io.ReadAll(file); err != nil || string(data) != "picture" {
			t.Errorf("%q, %v", data, err)
		}
		switch asked.Add(1) % 4 {
		case 0:
			fmt.Fprint(w, `{"results":[{"verdict":"good"}]}`)
		case 1:
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"error":{"code":"busy","message":"Too many."}}`, http.StatusTooManyRequests)
		case 2:
			http.Error(w, "oh", http.StatusInternalServerError)
		case 3:
			select {
			case <-r.Context().Done():
			case <-ctx.Done():
			}
		}
	})
	report, err := c.Measure(t.Context(), Load{Clients: 8, Duration: 200 * time.Millisecond, Timeout: 100 * time.Millisecond, Pictures: [][]byte{[]byte("picture")}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Answered == 0 || report.Shed == 0 || report.Failed == 0 || report.Hung == 0 ||
		report.Sent != report.Answered+report.Shed+report.Failed+report.Hung {
		t.Errorf("%+v", report)
	}
}

func TestRefusalsOfTheHubAreSaidInItsWords(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.URL.Query().Get("notes") != "first & best" {
			t.Errorf("asked %v with %v", r.URL, r.Header)
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"error":{"code":"bad_bundle","message":"The bundle is damaged.","hint":"Push it again."}}`)
	})
	_, err := c.Push(t.Context(), strings.NewReader("x"), "first & best")
	if err == nil || !strings.Contains(err.Error(), "The bundle is damaged. Push it again.") {
		t.Error(err)
	}
}

func TestAddressesThatAreNoHubAreRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "hub:8443", "ftp://hub", "https://"} {
		if _, err := New(address, "", "", 1); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}

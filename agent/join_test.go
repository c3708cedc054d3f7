package agent

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/agent/internal/membership/hubtest"
	"gourdian/internal/wire"
)

func joinHub(t *testing.T) *hubtest.Hub {
	t.Helper()
	ca := hubtest.NewCA(t)
	return hubtest.Start(t, ca, ca.Server(t, x509.ExtKeyUsageServerAuth, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
}

// linkOf asks a board's page how its link is; false while the page is not there.
func linkOf(page string) (joined bool, device string, ok bool) {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + page + "/api/v1/status")
	if err != nil {
		return false, "", false
	}
	defer func() { _ = answer.Body.Close() }()
	var status struct {
		Device string                 `json:"device"`
		Link   *struct{ Joined bool } `json:"link"`
	}
	if json.NewDecoder(answer.Body).Decode(&status) != nil || status.Link == nil {
		return false, "", false
	}
	return status.Link.Joined, status.Device, true
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("did not come: %s", what)
		}
	}
}

// TestRunningAgentTakesUpJoiningAndLeaving lets a second process' work be done
// beside the agent that holds the store's lock.
func TestRunningAgentTakesUpJoiningAndLeaving(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	page := free.Addr().String()
	_ = free.Close()
	h := joinHub(t)
	config := Config{Data: filepath.Join(t.TempDir(), "data"), Listen: page}
	config.Model.Bundle = filepath.Join(config.Data, "none")

	before, err := Join(t.Context(), config, Build{Version: "test"}, h.Token().String(), "", "Row 3") // before its first start
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, config, Build{Version: "test"}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	state := func(want bool) func() bool {
		return func() bool {
			joined, device, ok := linkOf(page)
			if ok && device != before.Device {
				t.Fatalf("the board %s joined as %s", device, before.Device)
			}
			return ok && joined == want
		}
	}
	waitFor(t, "the membership at the start", state(true))
	if err := Leave(config); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a board that works alone", state(false))
	if _, err := Join(t.Context(), config, Build{Version: "test"}, h.Token().String(), h.URL, ""); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the membership while it runs", state(true))
	requests := h.Requests()
	if len(requests) != 2 || requests[0].Name != "Row 3" || requests[0].Device != requests[1].Device {
		t.Errorf("%+v", requests)
	}
}

func TestEveryErrorOfJoiningSaysWhatToDo(t *testing.T) {
	t.Parallel()
	h, other := joinHub(t), joinHub(t)
	config := Config{Data: filepath.Join(t.TempDir(), "data")}
	join := func(token wire.Token) error {
		_, err := Join(t.Context(), config, Build{}, token.String(), "", "")
		return err
	}
	wrong, away := h.Token(), h.Token()
	wrong.CA = other.Token().CA
	away.Hub = "https://127.0.0.1:1"
	for name, c := range map[string]struct {
		token wire.Token
		hint  string
	}{
		"another hub": {wrong, "make a new token"}, "nobody there": {away, "the same token can be tried again"},
	} {
		if err := join(c.token); err == nil || !strings.Contains(Explain(err), c.hint) {
			t.Errorf("%s: %v, %q", name, err, Explain(err))
		}
	}
	if err := join(wire.Token{Hub: "x"}); !errors.Is(err, wire.ErrToken) {
		t.Error(err)
	}
	if err := Leave(config); err == nil {
		t.Error("left a hub that it had not joined")
	}
}

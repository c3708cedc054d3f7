package demo

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	ctl "gourdian/cmd/gourdianctl/internal/hub"
	"gourdian/internal/e2e"
	"gourdian/internal/field"
)

func TestTypedNumberCutsANetworkAndGivesItBack(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := e2e.OpenRelay(t.Context(), 210, l.Addr().String(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	words := &spoken{}
	b := &board{place: "board", name: "North field", url: "http://localhost:1"}
	w := &watcher{
		o: &Options{Say: words.say, hub: &hub{relays: map[string]*e2e.Relay{"board": r}}}, boards: []*board{b},
		last: map[*board]uint64{b: 7}, back: map[*board]uint64{},
	}
	for _, step := range []struct {
		line     string
		cut, end bool
	}{{"1", true, false}, {"2", true, false}, {"", true, false}, {"x", true, false}, {"1", false, false}, {"q", false, true}} {
		if end := w.obey(step.line); end != step.end || r.IsCut() != step.cut {
			t.Errorf("after %q: end %v, cut %v", step.line, end, r.IsCut())
		}
	}
	if said := words.String(); strings.Count(said, "Type a number") != 2 || !strings.Contains(said, "is cut") || !strings.Contains(said, "is back") {
		t.Errorf("said %q", said)
	}
	if w.back[b] != 7 {
		t.Errorf("waits for record %d", w.back[b])
	}
}

// hubThatHas answers for one board with a stream.
func hubThatHas(t *testing.T, stream string) *hub {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"online":true,"streams":[` + stream + `]}`))
	}))
	t.Cleanup(server.Close)
	client, err := ctl.New(server.URL, "", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &hub{Hub: &e2e.Hub{Process: &e2e.Process{}}, client: client}
}

func TestLostDoubledOrUnreadableRecordsFailTheDemo(t *testing.T) {
	t.Parallel()
	five := func(t *testing.T) *board {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"store":{"last_seq":5}}`))
		}))
		t.Cleanup(server.Close)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		return &board{Process: &e2e.Process{}, name: "North field", url: server.URL, http: &http.Client{Transport: transport}}
	}
	for name, c := range map[string]struct {
		stream string
		ok     bool
	}{
		"each once":      {`{"through":5,"records":5}`, true},
		"one lost":       {`{"through":5,"records":4,"lost":1}`, false},
		"one missing":    {`{"through":5,"records":4}`, false},
		"one doubled":    {`{"through":5,"records":6}`, false},
		"one unreadable": {`{"through":5,"records":4,"put_away":1}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := never(t)
			o.hub = hubThatHas(t, c.stream)
			if err := o.proveRecords(t.Context(), []*board{five(t)}); (err == nil) != c.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHubThatNeverGetsARecordIsGivenUp(t *testing.T) {
	t.Parallel()
	h := hubThatHas(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	_, err := h.until(ctx, &board{Process: &e2e.Process{}, name: "North field"}, "the first record", func(p progress) bool {
		if asked++; asked == 2 {
			cancel()
		}
		return p.Through > 0
	})
	if err == nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestTruthIsWhatStoodThere(t *testing.T) {
	t.Parallel()
	scene, err := field.ParseScene(sceneQuery(30))
	if err != nil {
		t.Fatal(err)
	}
	visits := scene.Visits(scene.Start(), scene.Start().Add(time.Hour))
	for _, v := range visits {
		if class, ok := truthAt(scene, v.Arrive.Add(v.Leave.Sub(v.Arrive)/2)); !ok || class != string(v.Thing.Class) {
			t.Errorf("%s stood there, not %q", v.Thing.Class, class)
		}
		if class, ok := truthAt(scene, v.Arrive.Add(-time.Second)); ok {
			t.Errorf("before it came there is %s", class)
		}
	}
	if len(visits) == 0 {
		t.Error("nothing came in an hour")
	}
}

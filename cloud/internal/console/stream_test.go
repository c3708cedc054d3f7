package console

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/people"
)

// listen opens a stream and returns its events, one text each; the channel is
// closed with the stream.
func (o *reader) listen(ctx context.Context, path string) <-chan string {
	o.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.rig.server.URL+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	answer, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		o.t.Fatalf("%d, %q", answer.StatusCode, kind)
	}
	events := make(chan string, 16)
	go func() { // ends with the stream
		defer close(events)
		defer func() { _ = answer.Body.Close() }()
		lines, event := bufio.NewScanner(answer.Body), ""
		for lines.Scan() {
			if lines.Text() != "" {
				event += lines.Text() + "\n"
				continue
			}
			events <- event
			event = ""
		}
	}()
	return events
}

// await returns the first event that holds a text.
func await(t *testing.T, events <-chan string, text string) string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case event, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %q", text)
			}
			if strings.Contains(event, text) {
				return event
			}
		case <-late:
			t.Fatalf("%q does not come", text)
		}
	}
}

// TestOpenPageIsToldWhatChanged, and no text that changed can end an event.
func TestOpenPageIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	events := r.in(t, "ana").listen(t.Context(), "/events/start")
	await(t, events, "event: part\ndata: ")
	if err := r.audit.Write(t.Context(), "eva", "board.rename", "b1", "a\r\n\nevent: part\ndata: forged → b"); err != nil {
		t.Fatal(err)
	}
	event := await(t, events, "forged")
	for line := range strings.SplitSeq(strings.TrimSuffix(event, "\n"), "\n") {
		if line != "event: part" && !strings.HasPrefix(line, "data: ") {
			t.Errorf("a line of its own: %q", line)
		}
	}
	if strings.Count(event, "event: part\n") != 1+strings.Count(event, "data: event: part\n") {
		t.Errorf("two events in one:\n%s", event)
	}
}

func TestStreamOfSomebodyWhoWasShutOutEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	vera := r.add(t, "vera", people.Viewer)
	events := r.in(t, "vera").listen(t.Context(), "/events/health")
	await(t, events, "event: part")
	if err := r.people.Change(t.Context(), "ana", vera.ID, people.Viewer, true); err != nil {
		t.Fatal(err)
	}
	late := time.After(20 * time.Second)
	for open := true; open; {
		select {
		case _, open = <-events:
		case <-late:
			t.Fatal("she is told on")
		}
	}
	if status, _, _ := r.reader(t).do(http.MethodGet, "/events/health", nil); status != http.StatusSeeOther {
		t.Errorf("a stranger: %d", status)
	}
}

// TestPageBeyondTheLimitOfStreamsAsksInstead: the parts are there for it.
func TestPageBeyondTheLimitOfStreamsAsksInstead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range maxStreams {
		if !r.console.streams.begin() {
			t.Fatal("fewer than there should be")
		}
	}
	ana := r.in(t, "ana")
	if status, _, _ := ana.do(http.MethodGet, "/events/start", nil); status != http.StatusServiceUnavailable {
		t.Errorf("%d", status)
	}
	has(t, ana.get("/parts/start"), "What changed")
	r.console.streams.end()
	ctx, cancel := context.WithCancel(t.Context())
	events := ana.listen(ctx, "/events/start")
	await(t, events, "What changed")
	cancel()
	for open := true; open; {
		_, open = <-events
	}
}

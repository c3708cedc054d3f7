package page

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

// fakeHistory keeps sightings in memory and remembers what it was asked for. A
// fault makes every call fail; a panic is for the page's last net.
type fakeHistory struct {
	mu          sync.Mutex
	entries     map[uint64]store.Entry
	days        []store.Day // newest first
	pictures    map[string][]byte
	fault       error
	panics      any
	block       bool           // calls wait until their context is done
	query       store.Query    // the last one
	daysLimit   int            // the last one
	hashes      []string       // of every picture that was asked for
	exportSpan  [2]time.Time   // the last one
	corrections []wire.Verdict // in order
}

func newFakeHistory() *fakeHistory {
	return &fakeHistory{entries: map[uint64]store.Entry{}, pictures: map[string][]byte{}}
}

// enter is what every call does first.
func (f *fakeHistory) enter(ctx context.Context) error {
	f.mu.Lock()
	fault, panics, block := f.fault, f.panics, f.block
	f.mu.Unlock()
	if panics != nil {
		panic(panics)
	}
	if block {
		<-ctx.Done()
		return ctx.Err()
	}
	return fault
}

func (f *fakeHistory) set(edit func(*fakeHistory)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(f)
}

func (f *fakeHistory) Records(ctx context.Context, q store.Query) ([]store.Entry, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.query = q
	var found []store.Entry
	for _, seq := range slices.Backward(slices.Sorted(maps.Keys(f.entries))) {
		e := f.entries[seq]
		switch {
		case len(found) == q.Limit:
			return found, nil
		case q.Before != 0 && seq >= q.Before, q.Camera != "" && e.Camera != q.Camera,
			len(q.Verdicts) > 0 && !slices.Contains(q.Verdicts, e.Verdict),
			!q.From.IsZero() && e.CapturedAt.Before(q.From), !q.To.IsZero() && !e.CapturedAt.Before(q.To):
		default:
			found = append(found, e)
		}
	}
	return found, nil
}

func (f *fakeHistory) Record(ctx context.Context, seq uint64) (store.Entry, error) {
	if err := f.enter(ctx); err != nil {
		return store.Entry{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.entries[seq]
	if !ok {
		return store.Entry{}, fmt.Errorf("read record %d: %w", seq, store.ErrNotFound)
	}
	return e, nil
}

func (f *fakeHistory) Day(ctx context.Context, date string) (store.Day, error) {
	if err := f.enter(ctx); err != nil {
		return store.Day{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, day := range f.days {
		if day.Date == date {
			return day, nil
		}
	}
	return store.Day{Date: date}, nil
}

func (f *fakeHistory) Days(ctx context.Context, limit int) ([]store.Day, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.daysLimit = limit
	return f.days[:min(limit, len(f.days))], nil
}

func (f *fakeHistory) Correct(ctx context.Context, seq uint64, v wire.Verdict) error {
	return f.correct(ctx, seq, &store.Correction{Verdict: v, At: time.Unix(1_800_000_000, 0).UTC()})
}

func (f *fakeHistory) Uncorrect(ctx context.Context, seq uint64) error {
	return f.correct(ctx, seq, nil)
}

func (f *fakeHistory) correct(ctx context.Context, seq uint64, c *store.Correction) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.entries[seq]
	if !ok {
		return store.ErrNotFound
	}
	e.Correction = c
	f.entries[seq] = e
	if c != nil {
		f.corrections = append(f.corrections, c.Verdict)
	}
	return nil
}

func (f *fakeHistory) Picture(hash string) (io.ReadSeekCloser, error) {
	if err := f.enter(context.Background()); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hashes = append(f.hashes, hash)
	data, ok := f.pictures[hash]
	if !ok {
		return nil, store.ErrNotFound
	}
	return readSeekNopCloser{bytes.NewReader(data)}, nil
}

type readSeekNopCloser struct{ *bytes.Reader }

func (readSeekNopCloser) Close() error { return nil }

func (f *fakeHistory) Export(ctx context.Context, w io.Writer, from, to time.Time) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exportSpan = [2]time.Time{from, to}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"seq", "verdict"}); err != nil {
		return err
	}
	for _, seq := range slices.Sorted(maps.Keys(f.entries)) {
		if err := out.Write([]string{fmt.Sprint(seq), string(f.entries[seq].Verdict)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// fakeControl shows applied settings on the board, as the real one does.
type fakeControl struct {
	hub *live.Hub

	mu      sync.Mutex
	fault   error
	applied []settings.Settings
}

func (f *fakeControl) Apply(_ context.Context, s settings.Settings) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		return f.fault
	}
	f.applied = append(f.applied, s.Clone())
	f.hub.SetSettings(s)
	return nil
}

// rig is a page over a board in memory.
type rig struct {
	t       *testing.T
	hub     *live.Hub
	history *fakeHistory
	control *fakeControl
	doctor  *fakeDoctor
	models  *fakeModels
	log     *syncBuffer
	server  *Server
}

// newRig makes a board with one camera, called barn, that has shown nothing yet.
func newRig(t *testing.T) *rig { return newRigIn(t, t.TempDir()) }

// newRigIn keeps the PIN in dir.
func newRigIn(t *testing.T, dir string) *rig {
	t.Helper()
	hub := live.NewHub("1.2.3", "d0a1")
	hub.SetSettings(settings.Default([]settings.Camera{{ID: "barn", Name: "Barn", FramesPerSecond: 2}}))
	hub.UpdateCamera("barn", func(c *live.Camera) { c.Name, c.Source, c.W, c.H = "Barn", "field", 1280, 720 })
	r := &rig{t: t, hub: hub, history: newFakeHistory(), control: &fakeControl{hub: hub}, doctor: &fakeDoctor{}, models: &fakeModels{}, log: &syncBuffer{}}
	var err error
	r.server, err = New(Options{
		Board: hub, History: r.history, Control: r.control, Doctor: r.doctor, Models: r.models, DataDir: dir, Listen: "127.0.0.1:0",
		Version: "1.2.3", Log: slog.New(slog.NewTextHandler(r.log, nil)), Location: time.UTC,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// showModel puts the grade model on the board.
func (r *rig) showModel() {
	model := &live.Model{ID: strings.Repeat("ab", 32), Name: "grade", Task: "grade", Variant: "fp32", Provider: "cpu", TrainedOn: "photos"}
	for _, name := range []string{"good", "regular", "bad", "not_pumpkin"} {
		model.Classes = append(model.Classes, live.ModelClass{Name: name, Labels: map[string]string{"en": name, "es": name}})
	}
	r.hub.SetModel(model)
}

// keep stores n sightings from 2026-10-05 09:00 on, a minute apart, every third
// bad and the others good.
func (r *rig) keep(n int) {
	start := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	r.history.set(func(f *fakeHistory) {
		for i := range n {
			seq, verdict := uint64(i+1), wire.Good
			if seq%3 == 0 {
				verdict = wire.Bad
			}
			at := start.Add(time.Duration(i) * time.Minute)
			f.entries[seq] = store.Entry{Record: wire.Record{
				Device: "d0a1", Epoch: "e", Seq: seq, Camera: "barn", CapturedAt: at, WallAt: at, Frames: 3, Seconds: 9,
				Verdict: verdict, Probabilities: map[string]float64{"good": 0.75, "bad": 0.25}, Clock: wire.ClockSynced,
			}}
		}
	})
}

// request is one request to the page. The zero value of host is the board's
// address.
type request struct {
	method, target, host, body string
	form                       url.Values
	header                     map[string]string
	cookie                     *http.Cookie
	ctx                        context.Context
}

func (q request) build() *http.Request {
	body := q.body
	if q.form != nil {
		body = q.form.Encode()
	}
	if q.method == "" {
		q.method = http.MethodGet
	}
	if q.ctx == nil {
		q.ctx = context.Background()
	}
	r := httptest.NewRequestWithContext(q.ctx, q.method, q.target, strings.NewReader(body))
	r.Host = "192.168.1.20:8080"
	if q.host != "" {
		r.Host = q.host
	}
	if q.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if q.cookie != nil {
		r.AddCookie(q.cookie)
	}
	return r
}

func (r *rig) do(q request) *httptest.ResponseRecorder {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.server.Handler().ServeHTTP(w, q.build())
	return w
}

func (r *rig) get(target string) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.do(request{target: target})
}

// signIn opens a session without the cost of a PIN check.
func (r *rig) signIn() *http.Cookie {
	r.t.Helper()
	if !r.server.pin.isSet() {
		if err := r.server.pin.keep("2468"); err != nil {
			r.t.Fatal(err)
		}
	}
	return &http.Cookie{Name: sessionCookie, Value: r.server.sessions.begin()}
}

// fault reads an error for programs and checks that it is whole.
func fault(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Error map[string]string `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("status %d with no JSON error: %v in %q", w.Code, err, w.Body)
	}
	if len(body.Error) != 3 || body.Error["message"] == "" || body.Error["code"] == "" {
		t.Errorf("half an error: %q", w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("an error comes as %q", got)
	}
	return body.Error["code"]
}

// answer reads a JSON answer.
func answer[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	decoder := json.NewDecoder(w.Body)
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	return v
}

// syncBuffer is a log that many goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// pass lets time go by on the clock of a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }

//go:build workers

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
)

// faultRounds is how many times each worker is killed; `make faults` asks for more.
func faultRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GOURDIAN_FAULT_ROUNDS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("GOURDIAN_FAULT_ROUNDS=%q is no number of rounds", text)
	}
	return n
}

// killsPerBoard is how often the workers of one board are killed: each time
// they wait longer before they are started again, and a steady minute must
// pass before that begins anew.
const killsPerBoard = 5

func TestFaultsOfTheWholeBoard(t *testing.T) {
	t.Parallel()
	m := trainModel(t, 40)
	for first := 0; first < faultRounds(t); first += killsPerBoard {
		t.Run(fmt.Sprintf("workers killed and stopped from round %d", first), func(t *testing.T) {
			t.Parallel() // they mostly wait
			killAndStopWorkers(t, m, min(killsPerBoard, faultRounds(t)-first))
		})
	}
	t.Run("agent killed while records come", func(t *testing.T) { t.Parallel(); killAgent(t, m) })
	t.Run("workers killed within a folder", func(t *testing.T) { t.Parallel(); killWithinFolder(t, m) })
	t.Run("in one process", func(t *testing.T) { runInProcess(t, m) })
}

// observer asks a board for its health again and again: every answer must come,
// whatever dies meanwhile, and what it says in words is remembered.
type observer struct {
	mu     sync.Mutex
	said   map[string]string // code to words, guarded by mu
	faults []error           // guarded by mu
}

// observe watches until stop is called.
func observe(t *testing.T, p *program) (o *observer, stop func()) {
	o = &observer{said: map[string]string{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			o.look(ctx, p.url)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return o, func() {
		t.Helper()
		cancel()
		<-done
		for _, err := range o.faults {
			t.Errorf("the page did not answer: %v", err)
		}
	}
}

func (o *observer) look(ctx context.Context, url string) {
	code, body, err := fetch(ctx, url+"/healthz")
	var s status
	if err == nil && code != http.StatusOK && code != http.StatusServiceUnavailable {
		err = fmt.Errorf("status %d", code)
	}
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		o.faults = append(o.faults, err)
	}
	for _, c := range s.Conditions {
		o.said[c.Code] = c.Text
	}
}

// words is what was said under a code since it was last asked for.
func (o *observer) words(code string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.said[code]
	delete(o.said, code)
	return text
}

// killAndStopWorkers hits each worker of one board in turn.
func killAndStopWorkers(t *testing.T, m model, kills int) {
	data := t.TempDir()
	p := serve(t, data, m.bundle, "folder:"+m.repeated(t, 8, 25)+"?loop=1&fps=5")
	until(t, "verdicts and sightings come", func() bool { return p.scored(t) > 3 && p.status(t).Store.Records > 0 })
	o, stop := observe(t, p)
	goroutines, files := p.metric(t, "go_goroutines"), p.metric(t, "process_open_fds")

	for range kills {
		hit(t, p, o, infer.Program, "model_restarting", syscall.SIGKILL)
		hit(t, p, o, capture.Program, "camera_restarting", syscall.SIGKILL)
	}
	hit(t, p, o, infer.Program, "model_restarting", syscall.SIGSTOP)
	hit(t, p, o, capture.Program, "camera_restarting", syscall.SIGSTOP)

	before := p.status(t).Store.Records
	until(t, "sightings go on", func() bool { return p.status(t).Store.Records > before })
	stop()
	until(t, "nothing is left of the dead workers", func() bool {
		return p.metric(t, "go_goroutines") <= goroutines+3 && p.metric(t, "process_open_fds") <= files+3
	})
	kept := p.records(t)
	if code := p.signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	checkKept(t, serve(t, data, m.bundle, "folder:"+m.repeated(t, 8, 25)+"?loop=1&fps=5"), kept)
}

// killWithinFolder kills both workers while a folder is read once: it began
// before the model was up, and still each picture is one record, none twice.
func killWithinFolder(t *testing.T, m model) {
	const pictures = 240
	p := serve(t, t.TempDir(), m.bundle, "folder:"+m.repeated(t, 40, pictures/40))
	for i, worker := range []string{infer.Program, capture.Program, infer.Program} {
		until(t, "the folder is under way", func() bool { return p.scored(t) > uint64(20+50*i) && p.child(t, worker) != 0 })
		if err := syscall.Kill(p.child(t, worker), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if p.status(t).Cameras[0].Finished {
		t.Fatal("the folder was over before the last kill")
	}
	until(t, "the folder is over", func() bool { return p.status(t).Cameras[0].Finished })
	if all := p.records(t); len(all) != pictures || all[0].Seq != pictures {
		t.Errorf("%d records of %d pictures, the newest is number %d", len(all), pictures, all[0].Seq)
	}
}

// hit sends a worker a signal in the middle of frames and waits until frames
// are scored again by a new one.
func hit(t *testing.T, p *program, o *observer, worker, code string, s syscall.Signal) {
	t.Helper()
	until(t, "the worker is up", func() bool { return p.child(t, worker) != 0 })
	pid, records, scored := p.child(t, worker), p.status(t).Store.Records, p.scored(t)
	until(t, "frames are under way", func() bool { return p.scored(t) > scored })
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
	until(t, fmt.Sprintf("%s is back after %v", worker, s), func() bool {
		now := p.child(t, worker)
		return now != 0 && now != pid
	})
	scored = p.scored(t)
	until(t, fmt.Sprintf("verdicts come after %v of %s", s, worker), func() bool { return p.scored(t) > scored+1 })
	if text := o.words(code); text == "" || text == code {
		t.Errorf("%v of %s: the page said %q under %s", s, worker, text, code)
	}
	if now := p.status(t).Store; now.Records < records || now.NotKept > 0 {
		t.Errorf("%v of %s: %d records before, now %+v", s, worker, records, now)
	}
}

// record is what the tests compare of a stored record.
type record struct {
	Epoch      string    `json:"epoch"`
	Seq        uint64    `json:"seq"`
	CapturedAt time.Time `json:"captured_at"`
	Verdict    string    `json:"verdict"`
	Image      string    `json:"image"`
}

// records returns all that a board keeps, the newest first.
func (p *program) records(t *testing.T) (all []record) {
	t.Helper()
	path := "/api/v1/records?limit=500"
	for {
		var page struct {
			Records []record `json:"records"`
			Next    *uint64  `json:"next"`
		}
		p.get(t, path, &page)
		all = append(all, page.Records...)
		if page.Next == nil {
			return all
		}
		path = fmt.Sprintf("/api/v1/records?limit=500&before=%d", *page.Next)
	}
}

// checkKept fails unless a board that was started again has what was kept
// before, in records, counters and pictures.
func checkKept(t *testing.T, p *program, before []record) {
	t.Helper()
	if len(before) == 0 {
		t.Fatal("nothing was kept before: the test shows nothing")
	}
	after := p.records(t)
	bySeq := map[uint64]record{}
	for i, r := range after {
		bySeq[r.Seq] = r
		if want := after[0].Seq - uint64(i); r.Seq != want {
			t.Fatalf("record %d stands where %d should", r.Seq, want)
		}
	}
	for _, r := range before {
		if bySeq[r.Seq] != r {
			t.Errorf("kept before: %+v, now: %+v", r, bySeq[r.Seq])
		}
	}
	if status, jpeg, err := fetch(t.Context(), p.url+"/api/v1/pictures/"+before[0].Image+".jpg"); err != nil || status != http.StatusOK || len(jpeg) < 1000 {
		t.Errorf("the newest picture: status %d, %d bytes, %v", status, len(jpeg), err)
	}
	var days struct {
		Days []struct {
			Total uint64 `json:"total"`
		} `json:"days"`
	}
	p.get(t, "/api/v1/days", &days)
	var counted uint64
	for _, day := range days.Days {
		counted += day.Total
	}
	if now := p.records(t); counted < uint64(len(after)) || counted > uint64(len(now)) {
		t.Errorf("the days count %d sightings, %d to %d are kept", counted, len(after), len(now))
	}
}

// killAgent kills the whole program while it stores one record after the other.
func killAgent(t *testing.T, m model) {
	data := t.TempDir()
	source := "folder:" + m.repeated(t, 40, 50)
	var acknowledged []record
	for round := range 3 {
		p := serve(t, data, m.bundle, source)
		until(t, "records come", func() bool { return p.status(t).Store.Records > uint64(len(acknowledged)+20) })
		workers := []int{p.child(t, infer.Program), p.child(t, capture.Program)}
		acknowledged = p.records(t)
		if s := p.status(t); s.Cameras[0].Finished {
			t.Fatalf("round %d: the folder was over before the kill", round)
		}
		if code := p.signal(t, syscall.SIGKILL); code != -1 {
			t.Fatalf("round %d: exit code %d of a killed program", round, code)
		}
		for _, pid := range workers {
			until(t, "the workers die with their parent", func() bool { return pid != 0 && !runs(pid) })
		}
		again := serve(t, data, m.bundle, source)
		checkKept(t, again, acknowledged)
		if code := again.signal(t, syscall.SIGTERM); code != 0 {
			t.Errorf("round %d: exit code %d", round, code)
		}
	}
}

package api

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/label"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

// noise makes a picture of its own of each file; "bad" is none. After so many
// looks it stops the job, once.
type noise struct {
	after atomic.Int32
	stop  func()
}

func (n *noise) Prepare(_ context.Context, file []byte) (vision.Tensor, int, int, error) {
	if n.after.Add(-1) == 0 {
		n.stop()
	}
	if string(file) == "bad" {
		return nil, 0, 0, capture.ErrBadImage
	}
	t, state := make(vision.Tensor, vision.TensorLen), uint64(file[0])*0x9e3779b97f4a7c15+1
	var blocks [16][16]byte
	for y := range blocks {
		for x := range blocks[y] {
			state = state*6364136223846793005 + 1442695040888963407
			blocks[y][x] = byte(state >> 56)
		}
	}
	for i := range t {
		t[i] = blocks[i/3/vision.Size/14][i/3%vision.Size/14]
	}
	return t, 640, 480, nil
}

// importRig is a hub's imports on a new database.
type importRig struct {
	samples *Samples
	store   *sample.Store
	jobs    *job.Jobs
	look    *noise
	dir     string
}

func newImportRig(t *testing.T, d *db.DB) *importRig {
	t.Helper()
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &importRig{look: &noise{}, dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	r.store, err = sample.Open(sample.Config{Dir: r.dir, Limits: sample.Limits{Quota: 1 << 20, PerBoard: 10}.Always(), Log: log}, d, blobs, r.look)
	if err == nil {
		r.jobs, err = job.New(job.Config{Beat: 20 * time.Millisecond, Log: log}, d)
	}
	if err == nil {
		r.samples = NewSamples(r.store, label.New(d), r.jobs, people.NewAudit(d), r.dir, log)
		err = r.jobs.Add(r.samples.Jobs()...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run does jobs until the returned function is called.
func (r *importRig) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.jobs.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// send asks as a person does and returns what is answered.
func (r *importRig) send(t *testing.T, query string, body []byte) (int, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/import?"+query, bytes.NewReader(body))
	c.Set(keyPerson, people.Person{Name: "ana"})
	r.samples.importZip(c)
	return w.Code, w.Body.Bytes()
}

// archive has pictures of two labels, one of them twice, and two files that are none.
func archive(t *testing.T, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name, content string) {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		add(fmt.Sprintf("%s/%d.jpg", []string{"good", "bad"}[i%2], i), string(rune('A'+i)))
	}
	add("good/again.jpg", "A")
	add("bad/broken.jpg", "bad")
	add("readme.txt", "hello")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestImportThatIsCutOffComesToTheSameReport(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := newImportRig(t, d)
		stop := r.run(t)
		cut := make(chan struct{})
		r.look.after.Store(6)
		r.look.stop = func() {
			go func() { // the hub stops while a picture is looked at
				stop()
				close(cut)
			}()
		}
		status, body := r.send(t, "name=set&folders=labels&wait=no", archive(t, 12))
		var ordered struct {
			Job int64 `json:"job"`
		}
		if err := json.Unmarshal(body, &ordered); err != nil || status != http.StatusAccepted || ordered.Job == 0 {
			t.Fatalf("%d %s, %v", status, body, err)
		}
		<-cut
		if n, err := r.store.Count(t.Context(), sample.Filter{}); err != nil || n == 0 || n >= 12 {
			t.Fatalf("the cut left %d pictures, %v: it shows nothing", n, err)
		}
		next := newImportRig(t, d)
		next.samples.dir, next.store = r.dir, r.store
		next.samples.samples = r.store
		next.run(t)
		one, err := next.jobs.Wait(t.Context(), ordered.Job)
		var report sample.Report
		if err == nil {
			err = one.ReadResult(&report)
		}
		want := sample.Report{Seen: 15, Taken: 12, Labelled: 12, Refused: map[sample.Fault]int{sample.Duplicate: 1, sample.Broken: 1, sample.NotPicture: 1}}
		if err != nil || report.Seen != want.Seen || report.Taken != want.Taken || report.Labelled != want.Labelled || !reflect.DeepEqual(report.Refused, want.Refused) {
			t.Errorf("%+v, %v: %s", report, err, one.Error)
		}
		if n, err := r.store.Count(t.Context(), sample.Filter{Label: "bad"}); err != nil || n != 6 {
			t.Errorf("%d are labelled bad, %v", n, err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; {
			left, err := os.ReadDir(r.dir)
			if err == nil && len(left) == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the archive stays: %v, %v", left, err)
			}
			<-time.After(10 * time.Millisecond)
		}
	})
}

func TestImportOfNoArchiveStartsNothing(t *testing.T) {
	t.Parallel()
	r := newImportRig(t, dbtest.SQLite(t))
	r.run(t)
	if status, body := r.send(t, "name=set", []byte("this is no zip")); status != http.StatusUnprocessableEntity || !bytes.Contains(body, []byte("bad_archive")) {
		t.Errorf("%d %s", status, body)
	}
	if list, err := r.jobs.List(t.Context(), job.Filter{}, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if left, err := os.ReadDir(r.dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	// The same pictures a second time are no longer new.
	for round, taken := range []int{4, 0} {
		var report sample.Report
		status, body := r.send(t, fmt.Sprintf("name=round-%d", round), archive(t, 4))
		if err := json.Unmarshal(body, &report); err != nil || status != http.StatusOK || report.Taken != taken || report.Labelled != 0 {
			t.Errorf("round %d: %d %s, %v", round, status, body, err)
		}
	}
}

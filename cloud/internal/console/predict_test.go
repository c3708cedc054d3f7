package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/feature"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/wire"
)

// oracle is a service that says of a photo what stands in it; "broken" is none.
// It also finds one labelled picture for everything.
type oracle struct {
	mu    sync.Mutex // guards what follows
	room  int
	taken int
	model *predict.Model
	err   error
}

func (o *oracle) set(change func(o *oracle)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
}

func (o *oracle) Reserve(n int) (func(), error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.taken+n > o.room {
		return nil, predict.ErrBusy
	}
	o.taken += n
	return func() { o.set(func(o *oracle) { o.taken -= n }) }, nil
}

func (o *oracle) State() predict.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	return predict.State{Model: o.model, Served: 7}
}

func (o *oracle) Predict(_ context.Context, files [][]byte) ([]predict.Result, predict.Model, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil, predict.Model{}, o.err
	}
	if o.model == nil {
		return nil, predict.Model{}, predict.ErrNoModel
	}
	name, _, _ := strings.Cut(string(files[0]), " ")
	if name == "broken" {
		return []predict.Result{{Err: fmt.Errorf("prepare: %w", capture.ErrBadImage)}}, *o.model, nil
	}
	r := predict.Result{Verdict: wire.Verdict(name), Probabilities: map[string]float64{"good": 0.1, "bad": 0.9}}
	if name == "unsure" {
		r.Reason = wire.ReasonNovel
	}
	return []predict.Result{r}, *o.model, nil
}

func (o *oracle) Nearest(string, []float32, int) []feature.Neighbour {
	return []feature.Neighbour{{Hash: strings.Repeat("a", 64), Label: wire.Good}}
}

// predictRig is the page with a service that answers, open to anyone.
type predictRig struct {
	*rig
	oracle  *oracle
	samples *sample.Store
	mu      sync.Mutex // guards rules
	rules   api.PredictRules
}

func (r *predictRig) access(access api.Access, perMinute int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rules = api.PredictRules{Access: access, PerMinute: perMinute}
}

func newPredictRig(t *testing.T) *predictRig {
	t.Helper()
	d := dbtest.SQLite(t)
	blobs, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &predictRig{oracle: &oracle{room: 4, model: &predict.Model{
		Name: "grade", Version: 3, Classes: []bundle.Class{{Name: "good"}, {Name: "bad"}}, Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 40},
	}}}
	r.access(api.AccessOpen, 1000)
	r.samples, err = sample.Open(sample.Config{
		Dir: t.TempDir(), Limits: sample.Limits{Quota: 1 << 10, PerBoard: 9}.Always(), Log: slog.New(slog.DiscardHandler),
	}, d, blobs, noise{})
	if err != nil {
		t.Fatal(err)
	}
	page := &Predict{Service: r.oracle, Index: r.oracle, Samples: r.samples,
		Door: api.NewDoor(func() api.PredictRules { r.mu.Lock(); defer r.mu.Unlock(); return r.rules }),
		Plain: func(_ context.Context, photo []byte) ([]byte, error) {
			if bytes.HasPrefix(photo, []byte("broken")) {
				return nil, capture.ErrBadImage
			}
			return append([]byte{byte(len(photo))}, "pixels of the photo alone"...), nil
		},
	}
	r.rig = newRig(t, page.Section())
	page.Console = r.console
	r.add(t, "vera", people.Viewer)
	return r
}

// send posts a photo with fields; part asks for the answer alone.
func (o *reader) send(path, photo string, part bool, fields ...string) (status int, body string, header http.Header) {
	o.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			o.t.Fatal(err)
		}
	}
	if photo != "" {
		file, err := w.CreateFormFile("image", "IMG_1.jpg")
		if err == nil {
			_, err = io.WriteString(file, photo)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		o.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.rig.server.URL+path, &form)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Header.Set("Content-Type", w.FormDataContentType())
	if part {
		request.Header.Set("X-Part", "answer")
	}
	answer, err := o.client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

func (r *predictRig) kept(t *testing.T) []sample.Sample {
	t.Helper()
	list, _, _, err := r.samples.List(t.Context(), sample.Filter{}, sample.Cursor{}, 9)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPhotoHasItsVerdictAndIsNotKept(t *testing.T) {
	t.Parallel()
	r := newPredictRig(t)
	stranger, vera := r.reader(t), r.in(t, "vera")
	has(t, stranger.get("/predict"), `action="/predict"`, "grade")
	status, body, _ := stranger.send("/predict", "bad 1", false)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	has(t, body, "Bad", "90", "/predict/give", "<html")
	hasNot(t, body, "/api/v1/samples/") // pictures of the fields are not for strangers
	status, body, _ = vera.send("/predict", "unsure 1", true)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	has(t, body, "/api/v1/samples/"+strings.Repeat("a", 64)+"/picture", "unlike")
	hasNot(t, body, "<html")
	if list := r.kept(t); len(list) != 0 {
		t.Errorf("%d photos were kept that nobody gave", len(list))
	}
	if r.oracle.taken != 0 {
		t.Errorf("%d places were not given back", r.oracle.taken)
	}
}

func TestWhoHasVerdictsIsAskedEachTime(t *testing.T) {
	t.Parallel()
	r := newPredictRig(t)
	stranger, vera := r.reader(t), r.in(t, "vera")
	see := func(o *reader) int { status, _, _ := o.do(http.MethodGet, "/predict", nil); return status }
	ask := func(o *reader) int { status, _, _ := o.send("/predict", "good 1", true); return status }
	give := func(o *reader) int {
		status, _, _ := o.send("/predict/give", "good 1", false, "consent", "yes")
		return status
	}
	for _, tc := range []struct {
		access         api.Access
		stranger, vera int
	}{
		{api.AccessLogin, http.StatusSeeOther, http.StatusOK}, {api.AccessOff, http.StatusNotFound, http.StatusNotFound}, {api.AccessOpen, http.StatusOK, http.StatusOK},
	} {
		r.access(tc.access, 1000)
		for name, do := range map[string]func(*reader) int{"ask": ask, "give": give} {
			if s, v := do(stranger), do(vera); s != tc.stranger || v != tc.vera {
				t.Errorf("%s, %s: a stranger gets %d, vera %d", tc.access, name, s, v)
			}
		}
		if tc.access != api.AccessOpen {
			if n := len(r.kept(t)); tc.access == api.AccessOff && n != 1 { // vera's, while she might
				t.Errorf("%s: %d photos are kept", tc.access, n)
			}
		}
		seen := tc.stranger
		if tc.access == api.AccessOff {
			seen = http.StatusSeeOther // the way to the page is closed too
		}
		if s, v := see(stranger), see(vera); s != seen || v != tc.vera {
			t.Errorf("%s: a stranger sees %d, vera %d", tc.access, s, v)
		}
	}
	r.access(api.AccessOff, 1000)
	_, body, _ := vera.do(http.MethodGet, "/predict", nil)
	has(t, body, "no verdicts")
	hasNot(t, body, `action="/predict"`)
}

func TestPhotosThatCanNotBeAnsweredSaySoInWords(t *testing.T) {
	t.Parallel()
	r := newPredictRig(t)
	ana := r.in(t, "ana")
	for name, tc := range map[string]struct {
		photo  string
		change func(o *oracle)
		status int
		again  bool
	}{
		"not a picture": {"broken", nil, http.StatusUnprocessableEntity, false},
		"too large":     {"bad " + strings.Repeat("x", api.MaxPhoto), nil, http.StatusRequestEntityTooLarge, false},
		"no photo":      {"", nil, http.StatusBadRequest, false},
		"full queue":    {"bad", func(o *oracle) { o.room = 0 }, http.StatusTooManyRequests, true},
		"late":          {"bad", func(o *oracle) { o.err = fmt.Errorf("predict: %w", predict.ErrLate) }, http.StatusServiceUnavailable, true},
		"no model":      {"bad", func(o *oracle) { o.model = nil }, http.StatusServiceUnavailable, true},
		"worker died":   {"bad", func(o *oracle) { o.err = errors.New("pipe") }, http.StatusServiceUnavailable, true},
	} {
		before := r.oracle.model
		if tc.change != nil {
			r.oracle.set(tc.change)
		}
		status, body, header := ana.send("/predict", tc.photo, true)
		if status != tc.status || !strings.Contains(body, `role="alert"`) || (header.Get("Retry-After") != "") != tc.again {
			t.Errorf("%s: %d, Retry-After %q\n%.300s", name, status, header.Get("Retry-After"), body)
		}
		r.oracle.set(func(o *oracle) { o.room, o.err, o.model = 4, nil, before })
	}
	if r.oracle.taken != 0 {
		t.Errorf("%d places were not given back", r.oracle.taken)
	}
	if list := r.kept(t); len(list) != 0 {
		t.Errorf("%d were kept", len(list))
	}
}

func TestStrangerWhoAsksTooOftenWaitsAndOthersDoNot(t *testing.T) {
	t.Parallel()
	r := newPredictRig(t)
	r.access(api.AccessOpen, 2)
	stranger, vera := r.reader(t), r.in(t, "vera")
	var got []int
	for range 4 {
		status, _, header := stranger.send("/predict", "good 1", true)
		got = append(got, status)
		if status == http.StatusTooManyRequests && header.Get("Retry-After") == "" {
			t.Error("it is not said when to come back")
		}
	}
	if !slices.Equal(got, []int{200, 200, 429, 429}) {
		t.Errorf("%v", got)
	}
	for range 4 {
		if status, _, _ := vera.send("/predict", "good 1", true); status != http.StatusOK {
			t.Errorf("vera: %d", status)
		}
	}
}

func TestPhotoIsKeptOnlyWithConsentAndWithoutWhatItsFileHeld(t *testing.T) {
	t.Parallel()
	r := newPredictRig(t)
	ana := r.in(t, "ana")
	for _, fields := range [][]string{nil, {"consent", "no"}, {"consent", ""}} {
		if status, body, _ := ana.send("/predict/give", "good gps", false, fields...); status != http.StatusBadRequest || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%v: %d", fields, status)
		}
	}
	if list := r.kept(t); len(list) != 0 {
		t.Fatalf("%d were kept without consent", len(list))
	}
	if status, _, _ := ana.send("/predict/give", "broken gps", false, "consent", "yes"); status != http.StatusUnprocessableEntity {
		t.Errorf("not a picture: %d", status)
	}
	if status, _, _ := ana.send("/predict/give", "good gps", false, "consent", "yes", "correction", "bad"); status != http.StatusOK {
		t.Errorf("given: %d", status)
	}
	list := r.kept(t)
	if len(list) != 1 || list[0].Source != sample.FromVisitor || list[0].Verdict != wire.Good || list[0].Correction != wire.Bad || list[0].Label != "" {
		t.Fatalf("%+v", list)
	}
	data, err := r.samples.Picture(t.Context(), list[0].Hash)
	if err != nil || bytes.Contains(data, []byte("gps")) {
		t.Errorf("%q is kept, %v", data, err)
	}
	if status, body, _ := ana.send("/predict/give", "good gps", false, "consent", "yes"); status != http.StatusOK || strings.Contains(body, `role="alert"`) || len(r.kept(t)) != 1 {
		t.Errorf("the same once more: %d, %d are kept", status, len(r.kept(t)))
	}
}

// TestPhotoCanBeGivenWhileNoModelAnswers, and what its owner says counts only
// where it is a label and another than the verdict.
func TestPhotoCanBeGivenWhileNoModelAnswers(t *testing.T) {
	t.Parallel()
	r := newPredictRig(t)
	ana := r.in(t, "ana")
	if status, _, _ := ana.send("/predict/give", "good same verdict", false, "consent", "yes", "correction", "good"); status != http.StatusOK {
		t.Error(status)
	}
	r.oracle.set(func(o *oracle) { o.model = nil })
	if status, _, _ := ana.send("/predict/give", "good and another", false, "consent", "yes", "correction", "pumpkin"); status != http.StatusOK {
		t.Error(status)
	}
	list := r.kept(t)
	if len(list) != 2 {
		t.Fatalf("%d are kept", len(list))
	}
	for _, one := range list {
		if one.Correction != "" {
			t.Errorf("%s was corrected to %s", one.Verdict, one.Correction)
		}
	}
}

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/predict"
	"gourdian/internal/capture"
	"gourdian/internal/wire"
)

// oracle answers by the bytes of a picture; "bad" is none.
type oracle struct {
	room  int
	taken int
	err   error
}

func (o *oracle) Reserve(n int) (func(), error) {
	if o.taken+n > o.room {
		return nil, predict.ErrBusy
	}
	o.taken += n
	return func() { o.taken -= n }, nil
}

func (o *oracle) Predict(_ context.Context, files [][]byte) ([]predict.Result, predict.Model, error) {
	var out []predict.Result
	for _, file := range files {
		if string(file) == "bad" {
			out = append(out, predict.Result{Err: fmt.Errorf("prepare: %w", capture.ErrBadImage)})
			continue
		}
		out = append(out, predict.Result{Verdict: wire.Verdict(file), Model: "m", Probabilities: map[string]float64{"good": 1}})
	}
	return out, predict.Model{}, o.err
}

func formOf(t testing.TB, field string, files ...string) (contentType string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i, file := range files {
		part, err := w.CreateFormFile(field, fmt.Sprint(i))
		if err == nil {
			_, err = part.Write([]byte(file))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.Bytes()
}

func doorOf(access Access, perMinute int) *Door {
	return NewDoor(func() PredictRules { return PredictRules{access, perMinute} })
}

// asked sends a form to the predictor as a person, "" = a stranger.
func asked(p *Predict, person, contentType string, body []byte) *httptest.ResponseRecorder {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) {
		if person != "" {
			c.Set(keyPerson, people.Person{Name: person, Role: people.Viewer})
		}
	})
	r := p.Routes()[0]
	engine.Handle(r.Method, r.Path, r.Handler)
	request := httptest.NewRequest(http.MethodPost, "/api/v1/predict", bytes.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, request)
	return w
}

func TestPredictAnswersAsTheContractSays(t *testing.T) {
	t.Parallel()
	o := &oracle{room: 8}
	kind, body := formOf(t, "image", "good", "bad")
	w := asked(NewPredict(o, doorOf(AccessOpen, 60)), "", kind, body)
	var answer struct {
		Results []map[string]any `json:"results"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || len(answer.Results) != 2 {
		t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	if one := answer.Results[0]; one["verdict"] != "good" || one["model"] != "m" || one["error"] != nil || one["novelty"] != 0.0 {
		t.Errorf("%v", one)
	}
	if two := answer.Results[1]; two["error"].(map[string]any)["code"] != "bad_image" {
		t.Errorf("%v", two)
	}
	if o.taken != 0 {
		t.Errorf("%d places were not given back", o.taken)
	}
}

func TestPredictRefusesHostileAndSurplusRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		oracle oracle
		field  string
		files  []string
		status int
		code   string
		again  bool
	}{
		"no picture":     {oracle{room: 8}, "image", nil, 400, "bad_form", false},
		"another field":  {oracle{room: 8}, "photo", []string{"good"}, 400, "bad_form", false},
		"unreadable":     {oracle{room: 8}, "image", []string{"bad"}, 422, "bad_image", false},
		"too many":       {oracle{room: 99}, "image", strings.Split(strings.Repeat("x ", 9), " ")[:9], 413, "too_large", false},
		"too large":      {oracle{room: 8}, "image", []string{strings.Repeat("x", MaxPhoto+1)}, 413, "too_large", false},
		"full queue":     {oracle{room: 1}, "image", []string{"good", "good"}, 429, "busy", true},
		"no model":       {oracle{room: 8, err: predict.ErrNoModel}, "image", []string{"good"}, 503, "no_model", true},
		"starting":       {oracle{room: 8, err: predict.ErrStarting}, "image", []string{"good"}, 503, "starting", true},
		"late":           {oracle{room: 8, err: fmt.Errorf("predict: %w", predict.ErrLate)}, "image", []string{"good"}, 503, "late", true},
		"broken machine": {oracle{room: 8, err: fmt.Errorf("worker: %w", context.Canceled)}, "image", []string{"good"}, 503, "unavailable", true},
	} {
		o := tc.oracle
		kind, body := formOf(t, tc.field, tc.files...)
		w := asked(NewPredict(&o, doorOf(AccessOpen, 60)), "ana", kind, body)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), `"code":"`+tc.code+`"`) || (w.Header().Get("Retry-After") != "") != tc.again {
			t.Errorf("%s: %d %.200s, Retry-After %q", name, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
		if o.taken != 0 {
			t.Errorf("%s: %d places were not given back", name, o.taken)
		}
	}
	w := asked(NewPredict(&oracle{room: 8}, doorOf(AccessOpen, 60)), "", "text/plain", []byte("x"))
	if w.Code != 400 {
		t.Errorf("no form: %d", w.Code)
	}
}

func TestStrangersAreBoundedAndKnownPeopleAreNot(t *testing.T) {
	t.Parallel()
	kind, body := formOf(t, "image", "good")
	rules := PredictRules{AccessOpen, 60}
	p := NewPredict(&oracle{room: 8}, NewDoor(func() PredictRules { return rules }))
	refused := 0
	for range 2 * rules.PerMinute {
		if w := asked(p, "", kind, body); w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "" {
			refused++
		}
	}
	if refused < rules.PerMinute/2 {
		t.Errorf("only %d of %d were refused", refused, 2*rules.PerMinute)
	}
	if w := asked(p, "ana", kind, body); w.Code != http.StatusOK {
		t.Errorf("ana: %d", w.Code)
	}
	rules.PerMinute = 6000 // 100 a second: one comes back within 10 ms
	if w := asked(p, "", kind, body); w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "1" {
		t.Errorf("a higher rate is not in force: wait %s s", w.Header().Get("Retry-After"))
	}
}

// TestAccessThatAnAdminChangesHoldsForTheNextRequest: nobody restarts the hub to
// close it.
func TestAccessThatAnAdminChangesHoldsForTheNextRequest(t *testing.T) {
	t.Parallel()
	kind, body := formOf(t, "image", "good")
	rules := PredictRules{AccessOpen, 60}
	p := NewPredict(&oracle{room: 8}, NewDoor(func() PredictRules { return rules }))
	for _, tc := range []struct {
		access Access
		who    string
		status int
	}{
		{AccessOpen, "", 200}, {AccessLogin, "", 401}, {AccessLogin, "ana", 200}, {AccessOff, "", 404}, {AccessOff, "ana", 404}, {AccessOpen, "", 200},
	} {
		rules.Access = tc.access
		if w := asked(p, tc.who, kind, body); w.Code != tc.status {
			t.Errorf("%s for %q: %d, expected is %d", tc.access, tc.who, w.Code, tc.status)
		}
	}
}

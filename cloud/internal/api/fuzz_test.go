package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gin-gonic/gin"

	"gourdian/internal/wire"
)

// FuzzPredictForm: whatever a stranger sends as a form is answered in the
// contract's words, and every place in the queue is given back.
func FuzzPredictForm(f *testing.F) {
	gin.SetMode(gin.ReleaseMode)
	kind, body := formOf(f, "image", "good", "bad")
	f.Add(kind, body)
	f.Add(kind, body[:len(body)/2])
	f.Add(kind, bytes.ReplaceAll(body, []byte("image"), []byte("photo")))
	f.Add(kind, bytes.Repeat(body[:len(body)-4], 3))
	f.Add("multipart/form-data", body)
	f.Add("multipart/form-data; boundary=", []byte("--\r\n\r\n--"))
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=image; filename=a\r\nContent-Length: 999999999\r\n\r\n"))
	f.Add("text/plain", []byte("x"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		o := &oracle{room: 8}
		w := asked(NewPredict(o, doorOf(AccessOpen, 60)), "ana", kind, body)
		if o.taken != 0 {
			t.Errorf("%d places were not given back", o.taken)
		}
		var answer struct {
			Results []json.RawMessage
			Error   struct{ Code string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%d %q: %v", w.Code, w.Body, err)
		}
		refused := []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}
		switch {
		case w.Code == http.StatusOK && len(answer.Results) > 0 && len(answer.Results) <= 8 && answer.Error.Code == "":
		case slices.Contains(refused, w.Code) && answer.Error.Code != "" && len(answer.Results) == 0:
		default:
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// FuzzJoinBody: whatever somebody sends instead of a board's request is refused
// as such, or reaches the fleet within the contract's limits.
func FuzzJoinBody(f *testing.F) {
	good, err := json.Marshal(wire.JoinRequest{Contract: wire.Contract, Secret: "s", Device: "b1", CSR: "x", Version: "1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte(`{"contract":1,"device":"../../etc","secret":"s","csr":"x","version":"1"}`))
	f.Add([]byte(`{"contract":1,"device":{},"secret":[]}`))
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	for _, r := range NewJoin(&door{}, slog.New(slog.DiscardHandler)).Routes() {
		engine.Handle(r.Method, r.Path, r.Handler)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequest(http.MethodPost, wire.JoinPath, bytes.NewReader(body)))
		request, err := wire.DecodeJoinRequest(body)
		if err != nil && w.Code != http.StatusBadRequest || err == nil && w.Code != http.StatusCreated {
			t.Errorf("%q is answered by %d: %v", body, w.Code, err)
		}
		if err == nil && len(request.Device) > wire.MaxName {
			t.Errorf("a device of %d bytes", len(request.Device))
		}
	})
}

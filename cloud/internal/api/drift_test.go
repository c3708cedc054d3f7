package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/monitor"
	"gourdian/cloud/internal/people"
)

func TestAlarmsForPrograms(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	m := monitor.New(monitor.Config{DB: d, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	_, err := d.Write().NewRaw("INSERT INTO drift_alarm (id, reason, device, camera, model, first_day, last_day, opened_at, state, outcome, changed_by, changed_at, facts)" +
		" VALUES (1, 'lens', 'b1', 'north', '', 20000, 20002, 1, 'open', '', '', 0, '{\"references\":28}')").Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) { c.Set(keyPerson, people.Person{Name: "oli", Role: people.Operator}) })
	for _, r := range NewDrift(m, slog.New(slog.DiscardHandler)).Routes() {
		engine.Handle(r.Method, r.Path, r.Handler)
	}
	ask := func(method, path, body string, status int, want string) string {
		t.Helper()
		request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, request)
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, w.Code, w.Body, status, want)
		}
		return w.Body.String()
	}
	var list struct {
		Alarms []struct {
			Reason   string `json:"reason"`
			FirstDay string `json:"first_day"`
			State    string `json:"state"`
			Facts    struct {
				References int `json:"references"`
			} `json:"facts"`
		} `json:"alarms"`
	}
	if err := json.Unmarshal([]byte(ask(http.MethodGet, "/api/v1/alarms?state=open", "", 200, "")), &list); err != nil || len(list.Alarms) != 1 ||
		list.Alarms[0].FirstDay != "2024-10-04" || list.Alarms[0].State != "open" || list.Alarms[0].Facts.References != 28 {
		t.Errorf("%+v, %v", list, err)
	}
	ask(http.MethodGet, "/api/v1/drift", "", 200, `"cameras":[]`)
	ask(http.MethodPost, "/api/v1/alarms/1/acknowledge", "", 204, "")
	ask(http.MethodPost, "/api/v1/alarms/7/acknowledge", "", 404, "not_found")
	ask(http.MethodPost, "/api/v1/alarms/x/acknowledge", "", 404, "not_found")
	ask(http.MethodPost, "/api/v1/alarms/1/close", "{", 400, "bad_json")
	ask(http.MethodPost, "/api/v1/alarms/1/close", `{"outcome":"burned"}`, 400, "bad_json")
	ask(http.MethodPost, "/api/v1/alarms/1/close", `{"outcome":"mended"}`, 204, "")
	ask(http.MethodPost, "/api/v1/alarms/1/close", `{"outcome":"usual"}`, 409, "closed")
	ask(http.MethodGet, "/api/v1/alarms?state=open", "", 200, `"alarms":[]`)
	ask(http.MethodGet, "/api/v1/alarms", "", 200, `"outcome":"mended"`)
}

package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/setting"
)

// settingsRig is a console with settings of which the file says one; webhooks
// whose address ends in "down" are.
func settingsRig(t *testing.T) (*rig, *setting.Store) {
	t.Helper()
	store, err := setting.Open(t.Context(), dbtest.SQLite(t), setting.Defaults(), []string{"predict.access"})
	if err != nil {
		t.Fatal(err)
	}
	page := &Settings{Settings: store, Test: func(_ context.Context, webhook string) error {
		if strings.HasSuffix(webhook, "down") {
			return &url.Error{Op: "Post", URL: webhook, Err: errors.New("connection refused")}
		}
		return nil
	}}
	r := newRig(t, page.Section())
	page.Console = r.console
	return r, store
}

func TestSettingIsSavedRefusedAndUndoneOnThePage(t *testing.T) {
	t.Parallel()
	r, store := settingsRig(t)
	r.add(t, "otto", people.Operator)
	if status, _, _ := r.in(t, "otto").do(http.MethodGet, "/settings", nil); status != http.StatusForbidden {
		t.Errorf("an operator changes settings: %d", status)
	}
	ana := r.in(t, "ana")
	page := ana.get("/settings")
	has(t, page, "Fixed by the hub", `name="samples.keep_days"`)
	seen := func(key string) string {
		t.Helper()
		found := regexp.MustCompile(`name="seen\.` + regexp.QuoteMeta(key) + `" value="(\w+)"`).FindStringSubmatch(ana.get("/settings"))
		if found == nil {
			t.Fatalf("no mark of %s", key)
		}
		return found[1]
	}
	old := seen("samples.keep_days")
	save := func(status int, pairs ...string) string {
		t.Helper()
		got, body, _ := ana.post("/settings", pairs...)
		if got != status {
			t.Errorf("%v: %d, expected is %d", pairs, got, status)
		}
		return body
	}
	save(http.StatusSeeOther, "samples.keep_days", "7", "seen.samples.keep_days", old)
	if store.Now().Samples.KeepDays != 7 {
		t.Errorf("%+v", store.Now())
	}
	has(t, save(http.StatusConflict, "samples.keep_days", "9", "seen.samples.keep_days", old), "Somebody else changed this")
	has(t, save(http.StatusUnprocessableEntity, "samples.keep_days", "-1", "seen.samples.keep_days", seen("samples.keep_days")), `value="-1"`, "A whole number from 0")
	save(http.StatusUnprocessableEntity, "predict.access", "off", "seen.predict.access", seen("predict.access")) // the file says it
	has(t, ana.get("/settings"), "0 → 7", "Use the default")
	if status, _, _ := ana.post("/settings/undo", "seq", "1"); status != http.StatusSeeOther || store.Now().Samples.KeepDays != 0 {
		t.Errorf("%d, %+v", status, store.Now())
	}
	for _, seq := range []string{"1", "x", ""} {
		if status, _, _ := ana.post("/settings/undo", "seq", seq); status != http.StatusSeeOther {
			t.Errorf("nothing to undo (%q): %d", seq, status)
		}
	}
}

func TestSecretAddressIsTriedKeptAndNeverShown(t *testing.T) {
	t.Parallel()
	r, store := settingsRig(t)
	ana := r.in(t, "ana")
	const secret = "https://hooks.example/T0/s3cret"
	if status, _, _ := ana.post("/settings/test-alert"); status != http.StatusUnprocessableEntity {
		t.Errorf("no address: %d", status)
	}
	if status, body, _ := ana.post("/settings/test-alert", "alerts.webhook", secret+"/down"); status != http.StatusBadGateway || strings.Contains(body, "s3cret") {
		t.Errorf("one that is down: %d\n%s", status, body)
	}
	if status, _, _ := ana.post("/settings/test-alert", "alerts.webhook", secret); status != http.StatusSeeOther || store.Now().Alerts.Webhook != "" {
		t.Errorf("%d; trying keeps nothing, and kept is %q", status, store.Now().Alerts.Webhook)
	}
	mark := func() string {
		return regexp.MustCompile(`name="seen\.alerts\.webhook" value="(\w+)"`).FindStringSubmatch(ana.get("/settings"))[1]
	}
	if status, _, _ := ana.post("/settings", "alerts.webhook", secret, "seen.alerts.webhook", mark()); status != http.StatusSeeOther {
		t.Error(status)
	}
	ana.post("/settings", "alerts.webhook", "", "seen.alerts.webhook", mark()) // left empty: it stays
	if store.Now().Alerts.Webhook != secret {
		t.Errorf("kept is %q", store.Now().Alerts.Webhook)
	}
	hasNot(t, ana.get("/settings"), "s3cret")
	ana.post("/settings", "alerts.webhook", "", "clear.alerts.webhook", "yes", "seen.alerts.webhook", mark())
	if store.Now().Alerts.Webhook != "" {
		t.Errorf("kept is %q", store.Now().Alerts.Webhook)
	}
}

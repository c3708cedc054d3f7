package console

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/people"
	"gourdian/internal/wire"
)

// boards is a fleet with the board b1, which has reported, and b2, which has not.
func boards(t *testing.T, d *db.DB) *fleet.Fleet {
	t.Helper()
	ca, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Open(t.Context(), fleet.Config{Hub: func() string { return "https://hub:8443" }, Broker: func() string { return "hub:8883" }, Version: "test", Now: time.Now}, d, ca)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := f.NewToken(t.Context(), "ana", fleet.TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"b1", "b2"} {
		_, csr := brokertest.Request(t, device)
		if _, err := f.Join(t.Context(), wire.JoinRequest{Contract: wire.Contract, Secret: token.Secret, Device: device, CSR: csr, Version: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	report(t, d, f, wire.DesiredState{})
	return f
}

// report lets b1 say how it is.
func report(t *testing.T, d *db.DB, f *fleet.Fleet, answer wire.DesiredState) {
	t.Helper()
	state := wire.State{
		Contract: wire.Contract, Online: true, Desired: answer, Cameras: []wire.CameraState{{ID: "c1", Name: "Gate"}},
		Settings: map[string]any{
			"language": "auto", "keep_pictures_mb": 500.0, "samples": map[string]any{"send": true, "per_day": 20.0},
			"cameras": []any{map[string]any{"id": "c1", "frames_per_second": 2.5, "sensitivity": "normal", "night_pause": true, "zones": []any{}}},
		},
	}
	err := d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := f.Report(ctx, tx, "b1", state, time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// erasing is of boards that have so many pictures to erase.
func erasing(n int) func(context.Context, string) (int, error) {
	return func(context.Context, string) (int, error) { return n, nil }
}

func TestBoardOfAnotherTimeIsNamedInWordsAndFound(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	f := boards(t, d)
	pages := &Fleet{Fleet: f, Records: d, Erasing: erasing(3)}
	r := newRig(t, pages.Section())
	pages.Console = r.console
	ana := r.in(t, "ana")
	speak := func(contract int) {
		t.Helper()
		if err := d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return f.Spoke(ctx, tx, "b1", contract) }); err != nil {
			t.Fatal(err)
		}
	}
	for contract, words := range map[int]string{1: "too old to be understood", wire.Contract - 1: "older than the hub’s", wire.Contract + 1: "newer than the hub’s"} {
		speak(contract)
		has(t, ana.get("/fleet/board/b1"), words, fmt.Sprintf("contract %d, this hub %d", contract, wire.Contract), "3, until the board is there")
		list := ana.get("/fleet?update=yes")
		if outdated := contract < wire.Contract; strings.Contains(list, "/fleet/board/b1") != outdated || strings.Contains(list, "/fleet/board/b2") {
			t.Errorf("contract %d: the list of boards to update\n%s", contract, list)
		}
	}
	speak(wire.Contract)
	hasNot(t, ana.get("/fleet/board/b1"), "than the hub’s", "too old")
	hasNot(t, ana.get("/fleet"), `<br><span class="k faint">`)
}

func TestSettingsOfABoardAreAskedForAndAnswered(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	f := boards(t, d)
	pages := &Fleet{Fleet: f, Records: d, Erasing: erasing(3)}
	r := newRig(t, pages.Section())
	pages.Console = r.console
	r.add(t, "vera", people.Viewer)
	const page = "/fleet/board/b1"
	ana := r.in(t, "ana")
	has(t, ana.get(page), "In force: 500.", "In force: 2.5.", "In force: Normal.", "Nobody asked", `name="c1.frames_per_second"`, `value="b2"`)
	hasNot(t, ana.get("/fleet/board/b2"), `name="keep_pictures_mb"`)

	if status, body, _ := ana.post(page+"/settings", "keep_pictures_mb", "49"); status != http.StatusUnprocessableEntity {
		t.Errorf("too little room: %d\n%s", status, body)
	}
	if status, _, _ := r.in(t, "vera").post(page+"/settings", "keep_pictures_mb", "600"); status != http.StatusForbidden {
		t.Errorf("a viewer: %d", status)
	}
	status, _, to := ana.post(page+"/settings", "language", "auto", "keep_pictures_mb", "600", "samples.per_day", "20", "samples.send", "false",
		"c1.frames_per_second", "2.5", "c1.sensitivity", "high", "c1.night_pause", "false", "c1.zones", "x", "c2.sensitivity", "low")
	if status != http.StatusSeeOther || to != page {
		t.Fatalf("%d to %q", status, to)
	}
	b, err := f.Board(t.Context(), "b1")
	if err != nil || b.Settings != `{"cameras":[{"id":"c1","night_pause":false,"sensitivity":"high"}],"keep_pictures_mb":600}` {
		t.Errorf("desired is %s, %v", b.Settings, err)
	}
	has(t, ana.get(page), "is told", "has not answered yet", "Wanted: 600.", "Wanted: A little.", `value="600"`)
	report(t, d, f, wire.DesiredState{Version: uint64(b.Wish), Error: "keep_pictures_mb: <no room>"})
	has(t, ana.get(page), "The board refused", "keep_pictures_mb: &lt;no room&gt;")
	hasNot(t, r.in(t, "vera").get(page), "Send to the board")
}

func TestBoardIsReplacedByOneThatIsChosen(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	f := boards(t, d)
	pages := &Fleet{Fleet: f, Records: d, Erasing: erasing(3)}
	r := newRig(t, pages.Section())
	pages.Console = r.console
	ana := r.in(t, "ana")
	if status, body, _ := ana.post("/fleet/board/b1/replace", "successor", "b2"); status != http.StatusOK {
		t.Errorf("it does not ask first: %d\n%s", status, body)
	}
	if b, err := f.Board(t.Context(), "b1"); err != nil || b.State != fleet.Active {
		t.Errorf("replaced without a yes: %+v, %v", b, err)
	}
	if status, body, _ := ana.post("/fleet/board/b1/replace", "successor", "b2", "confirmed", "yes"); status != http.StatusSeeOther {
		t.Errorf("%d\n%s", status, body)
	}
	if b, err := f.Board(t.Context(), "b1"); err != nil || b.State != fleet.Removed || b.Successor != "b2" {
		t.Errorf("%+v, %v", b, err)
	}
	has(t, ana.get("/fleet/board/b2"), "let the new board join first")
	for _, sort := range []string{"", "name", "site", "seen", "state", "odd"} {
		has(t, ana.get("/fleet?sort="+sort), `href="/fleet/board/b2"`)
	}
}

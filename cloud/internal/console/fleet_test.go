package console

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/ingest"
	"gourdian/internal/web"
	"gourdian/internal/wire"
)

// fullBoard is a board of which everything is known.
func fullBoard(v *voice) boardView {
	now := time.Now()
	view := boardView{
		boardRow: boardRow{"b1", "The far <corner>", "north", "row 3", v.boardHealth(fleet.Failing), 12, v.ago(now), true},
		Fault:    "x", Reported: v.ago(now), Stale: true, Operator: true, Admin: true, Successor: "b2",
		Days:    []dayView{v.day(ingest.DayCounts{Day: "2026-11-25", Counts: wire.Counts{wire.Good: 3, wire.Unsure: 1, "green": 2}})},
		Log:     []logLine{{v.ago(now), "WARN", "<script>"}},
		History: []changeOf{{v.ago(now), "Joined", "north"}},
	}
	v.report(&view, wire.State{
		Versions: wire.Versions{Agent: "1.2"}, Board: wire.BoardState{Arch: "arm64", Profile: "pi", Temperature: 61, FreeDisk: 1 << 30},
		Model:   &wire.ModelState{Bundle: strings.Repeat("ab", 32), Name: "m", Variant: "int8", Provider: "cpu", InferMillis: 12},
		Cameras: []wire.CameraState{{ID: "c1", Name: "Gate", FrameAt: &now}, {ID: "c2"}},
		Conditions: []wire.ConditionState{
			{Code: "camera_silent", Severity: "serious", Subject: "c1", Args: map[string]string{"time": "3 min"}, Since: now},
			{Code: "of_a_newer_board", Severity: "info", Since: now},
		},
	})
	v.certificate(&view, fleet.Board{Device: "b1", Until: now.UnixMicro()})
	return view
}

func TestFleetPagesWithNothingAndWithEverything(t *testing.T) {
	t.Parallel()
	k, err := New(Options{Location: func() *time.Location { return time.UTC }})
	if err != nil {
		t.Fatal(err)
	}
	for lang, v := range k.voices {
		path, size, err := fleet.QR("gourdian1.abc")
		if err != nil {
			t.Fatal(err)
		}
		one := choice{"north", "north", true}
		for name, views := range map[string][]any{
			"fleet": {fleetView{}, fleetView{Filtered: true}, fleetView{Count: 1, Boards: []boardRow{fullBoard(v).boardRow, {Name: "new", Health: v.boardHealth(fleet.Never)}}, Sites: []choice{one}, Groups: []choice{one}, Admin: true, Filtered: true}},
			"tokens": {tokensView{}, tokensView{Fault: "x", Tokens: []tokenRow{{ID: "t", Site: "north", Open: true, Rejoin: true, Uses: 3, Until: v.Exact(time.Now())}, {Site: "south"}},
				Made: &madeToken{&secretView{ID: "token", Value: "gourdian1.abc"}, &secretView{ID: "command"}, path, size}}},
			"board": {boardView{}, fullBoard(v)},
		} {
			for n, view := range views {
				var out bytes.Buffer
				frame := frameView{page: page{Name: name, Title: name, Body: view}, Lang: string(lang), Theme: "auto"}
				if err := v.pages[name].ExecuteTemplate(&out, "frame.html", frame); err != nil {
					t.Fatalf("%s %d in %s: %v", name, n, lang, err)
				}
				html := out.String()
				for _, wrong := range []string{"hub.fleet.", "ZgotmplZ", "<script>", "{n}", "{name}", "%!"} {
					if strings.Contains(strings.ReplaceAll(html, "&lt;script>", ""), wrong) {
						t.Errorf("%s %d in %s shows %q", name, n, lang, wrong)
					}
				}
				if dir := os.Getenv("GOURDIAN_PAGES"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, name+string(lang)+string(rune('0'+n))+".html"), out.Bytes(), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

func TestBoardsStatesHaveWords(t *testing.T) {
	t.Parallel()
	k, err := New(Options{Location: func() *time.Location { return time.UTC }})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []fleet.Health{fleet.Well, fleet.Warning, fleet.Failing, fleet.Offline, fleet.Silent, fleet.Never, fleet.Barred, fleet.GoneAway} {
		for _, lang := range web.Languages() {
			if !k.voices[lang].Has("hub.fleet.health." + string(h)) {
				t.Errorf("%s has no words in %s", h, lang)
			}
		}
	}
}

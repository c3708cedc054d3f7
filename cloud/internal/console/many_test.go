package console

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
	"gourdian/cloud/internal/sample"
)

// seenOf is when the list was read, as its form says.
func seenOf(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`name="seen" value="(\d+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the list says no time")
	}
	return found[1]
}

// many posts a selection.
func (o *reader) many(path, seen, query, scope, what string, more url.Values) (status int, body, location string) {
	form := url.Values{"seen": {seen}, "query": {query}, "scope": {scope}, "what": {what}}
	for name, values := range more {
		form[name] = values
	}
	return o.do(http.MethodPost, path, form)
}

func TestPicturesChosenOnAPageAreLabelledAndUndoneTogether(t *testing.T) {
	t.Parallel()
	r, hashes, store := pictures(t, 4)
	r.add(t, "lola", people.Labeller)
	ana, lola := r.in(t, "ana"), r.in(t, "lola")
	page := ana.get("/samples?site=north")
	has(t, page, hashes[0]+".0", `name="pick"`)
	// Lola labels one after Ana's list was read.
	if status, _, _ := lola.post("/samples/"+hashes[0]+"/label", "label", "bad", "version", "0"); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	picks := url.Values{"pick": {hashes[0] + ".0", hashes[1] + ".0", hashes[2] + ".0", "<x>", strings.Repeat("0", 64) + ".0"}}
	status, _, to := ana.many("/samples/many", seenOf(t, page), "site=north", "chosen", "label:good", picks)
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/samples?batch=") || !strings.Contains(to, "site=north") {
		t.Fatalf("%d to %q", status, to)
	}
	labels := func(want ...string) {
		t.Helper()
		for i, label := range want {
			if one, err := store.Get(t.Context(), hashes[i]); err != nil || one.Label != label {
				t.Errorf("picture %d is %q, expected is %q, %v", i, one.Label, label, err)
			}
		}
	}
	labels("bad", "good", "good", "")
	after := ana.get(to)
	has(t, after, "2 pictures: label", "2 were changed or deleted", "/samples/many/undo")
	hasNot(t, lola.get(to), "/samples/many/undo") // somebody else's
	batch, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, _ := lola.post("/samples/many/undo", "batch", batch.Query().Get("batch")); status != http.StatusSeeOther {
		t.Error(status)
	}
	labels("bad", "good", "good", "")
	if status, _, to := ana.post("/samples/many/undo", "batch", batch.Query().Get("batch"), "query", "site=north"); status != http.StatusSeeOther || to != "/samples?site=north" {
		t.Errorf("%d to %q", status, to)
	}
	labels("bad", "", "", "")
	if lines, err := r.audit.List(t.Context(), 0, "label:good", 9); err != nil || len(lines) != 1 || lines[0].Action != "sample.many" || lines[0].Detail != "2" {
		t.Errorf("the log of changes has %+v, %v", lines, err)
	}
}

func TestAllThatAFilterLeavesAsksOnceWithTheNumber(t *testing.T) {
	t.Parallel()
	r, hashes, store := pictures(t, 3)
	r.add(t, "lola", people.Labeller)
	r.add(t, "vera", people.Viewer)
	ana := r.in(t, "ana")
	seen := seenOf(t, ana.get("/samples"))
	status, body, _ := ana.many("/samples/many", seen, "", "all", "delete", nil)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	has(t, body, "3 pictures: delete everywhere?", `name="wanted" value="3"`, "undone")
	if n, err := store.Count(t.Context(), sample.Filter{}); err != nil || n != 3 {
		t.Errorf("%d are left before the answer, %v", n, err)
	}
	yes := url.Values{"confirmed": {"yes"}, "wanted": {"3"}}
	for who, want := range map[string]int{"lola": http.StatusForbidden, "vera": http.StatusForbidden} {
		if status, _, _ := r.in(t, who).many("/samples/many", seen, "", "all", "delete", yes); status != want {
			t.Errorf("%s: %d", who, status)
		}
	}
	if status, _, _ := r.in(t, "lola").many("/samples/many", seen, "", "all", "leave", yes); status != http.StatusForbidden {
		t.Errorf("a labeller leaves pictures out of training: %d", status)
	}
	if status, _, to := ana.many("/samples/many", seen, "", "chosen", "label:good", nil); status != http.StatusSeeOther || to != "/samples" {
		t.Errorf("nothing chosen: %d to %q", status, to)
	}
	if status, _, to := ana.many("/samples/many", seen, "", "all", "burn", yes); status != http.StatusSeeOther || to != "/samples" {
		t.Errorf("what is no action: %d to %q", status, to)
	}
	if status, _, _ := ana.many("/samples/many", "0", "", "all", "delete", yes); status != http.StatusSeeOther {
		t.Error(status)
	}
	if _, err := store.Picture(t.Context(), hashes[0]); err != nil {
		t.Errorf("a picture that came after the list was read is gone: %v", err)
	}
	if status, _, _ := ana.many("/samples/many", seen, "site=south", "all", "delete", yes); status != http.StatusSeeOther {
		t.Error(status)
	}
	if n, err := store.Count(t.Context(), sample.Filter{}); err != nil || n != 3 {
		t.Errorf("of another site: %d are left, %v", n, err)
	}
	if status, _, _ := ana.many("/samples/many", seen, "", "all", "delete", yes); status != http.StatusSeeOther {
		t.Error(status)
	}
	has(t, ana.get("/samples"), "3 pictures: delete everywhere. Done.")
	if n, err := store.Count(t.Context(), sample.Filter{}); err != nil || n != 0 {
		t.Errorf("%d are left, %v", n, err)
	}
}

func TestMarksAreShownFilteredAndDownloaded(t *testing.T) {
	t.Parallel()
	r, hashes, _ := pictures(t, 2)
	r.add(t, "vera", people.Viewer)
	ana := r.in(t, "ana")
	seen := seenOf(t, ana.get("/samples"))
	for _, what := range []string{"leave", "queue"} {
		if status, _, _ := ana.many("/samples/many", seen, "", "chosen", what, url.Values{"pick": {hashes[0] + ".0"}}); status != http.StatusSeeOther {
			t.Fatal(status)
		}
	}
	page := ana.get("/samples?mark=left_out")
	has(t, page, hashes[0], "put into the queue, left out of training")
	hasNot(t, page, hashes[1])
	status, body, _ := r.in(t, "vera").many("/samples/download", seen, "mark=left_out", "all", "", nil)
	files, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	if status != http.StatusOK || err != nil || len(files.File) != 1 || !strings.Contains(files.File[0].Name, hashes[0]) {
		t.Errorf("%d, %v", status, err)
	}
}

func TestManyBoardsAreChangedAfterOneQuestion(t *testing.T) {
	t.Parallel()
	f := boards(t, dbtest.SQLite(t))
	section := &Fleet{Fleet: f}
	r := newRig(t, section.Section())
	section.Console = r.console
	r.add(t, "otto", people.Operator)
	r.add(t, "vera", people.Viewer)
	ana, otto := r.in(t, "ana"), r.in(t, "otto")
	hasNot(t, r.in(t, "vera").get("/fleet"), `name="pick"`)
	seen := seenOf(t, otto.get("/fleet?site=north"))
	one := url.Values{"pick": {"b1"}, "to_site": {"south"}, "to_group": {"row 1"}}
	if status, _, to := otto.many("/fleet/many/move", seen, "site=north", "chosen", "", one); status != http.StatusSeeOther || to != "/fleet?site=north" {
		t.Errorf("%d to %q", status, to)
	}
	has(t, otto.get("/fleet"), "1 board was moved", "south")
	if status, _, _ := otto.many("/fleet/many/move", seen, "", "chosen", "", url.Values{"pick": {"b1"}}); status != http.StatusSeeOther {
		t.Error(status)
	}
	has(t, otto.get("/fleet"), "Say a site or a group first")
	if status, _, _ := otto.many("/fleet/many/revoke", seen, "", "all", "", url.Values{"confirmed": {"yes"}}); status != http.StatusForbidden {
		t.Errorf("an operator shuts boards out: %d", status)
	}
	seen = seenOf(t, ana.get("/fleet"))
	status, body, _ := ana.many("/fleet/many/revoke", seen, "", "all", "", nil)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	has(t, body, "Forbid 2 boards to connect?")
	if status, _, _ := ana.many("/fleet/many/revoke", seen, "", "all", "", url.Values{"confirmed": {"yes"}, "wanted": {"2"}}); status != http.StatusSeeOther {
		t.Error(status)
	}
	has(t, ana.get("/fleet"), "2 boards may no longer connect")
	if status, _, _ := ana.many("/fleet/many/remove", seen, "", "chosen", "", nil); status != http.StatusSeeOther {
		t.Error(status)
	}
	has(t, ana.get("/fleet"), "No board was chosen")
}

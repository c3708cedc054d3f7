package hub

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
)

// importer takes what is imported, as a hub does.
type importer struct {
	mu       sync.Mutex // guards what follows
	archives int
	files    []string
	busy     int // requests to refuse first
	query    string
}

func (i *importer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.busy > 0 {
		i.busy--
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"error":{"code":"importing","message":"Another import is under way."}}`, http.StatusServiceUnavailable)
		return
	}
	i.archives++
	i.query = r.URL.Query().Encode()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		http.Error(w, `{"error":{"code":"bad_archive","message":"No."}}`, http.StatusUnprocessableEntity)
		return
	}
	report := ImportReport{Refused: map[string]int{}}
	for _, f := range z.File {
		i.files = append(i.files, f.Name)
		if filepath.Ext(f.Name) == ".txt" {
			report.refuse(f.Name, "not_picture")
			continue
		}
		report.Seen++
		report.Taken++
	}
	_ = json.NewEncoder(w).Encode(report)
}

func TestLinksInAFolderAreNotFollowed(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret.jpg")
	for _, name := range []string{outside, filepath.Join(dir, "a.jpg")} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "b.jpg")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	hub := &importer{}
	report, err := client(t, hub.ServeHTTP).Import(t.Context(), root.FS(), Import{Name: "dir", Step: func(int, int) {}})
	if err != nil || report.Taken != 1 || report.Refused["not_file"] != 1 || !slices.Equal(hub.files, []string{"a.jpg"}) {
		t.Errorf("%+v, %v, sent %v", report, err, hub.files)
	}
}

func TestLargeImportGoesInPortionsThroughABusyHub(t *testing.T) {
	t.Parallel()
	const files = 2*portionFiles + 50
	from := fstest.MapFS{"good/readme.txt": {Data: []byte("hello")}, "good/huge.jpg": {Data: make([]byte, maxFile+1)}}
	for n := range files - 2 {
		from[fmt.Sprintf("good/%04d.jpg", n)] = &fstest.MapFile{Data: []byte{byte(n)}}
	}
	hub := &importer{busy: 1}
	var steps []int
	report, err := client(t, hub.ServeHTTP).Import(t.Context(), from, Import{Name: "set", Site: "north", Labels: true, Step: func(done, of int) {
		if of != files {
			t.Errorf("%d of %d", done, of)
		}
		steps = append(steps, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Seen != files || report.Taken != files-2 || report.Refused["too_large"] != 1 || report.Refused["not_picture"] != 1 || len(report.Files) != 2 {
		t.Errorf("%+v", report)
	}
	slices.Sort(hub.files)
	if hub.archives != 3 || len(hub.files) != files-1 || len(slices.Compact(hub.files)) != files-1 {
		t.Errorf("%d archives with %d files", hub.archives, len(hub.files))
	}
	if !slices.IsSorted(steps) || steps[len(steps)-1] != files || hub.query != "folders=labels&name=set&site=north" {
		t.Errorf("steps %v, asked with %q", steps, hub.query)
	}
}

func TestImportSaysWhatWasTakenBeforeItBroke(t *testing.T) {
	t.Parallel()
	from := fstest.MapFS{}
	for n := range portionFiles + 1 {
		from[fmt.Sprintf("%04d.jpg", n)] = &fstest.MapFile{Data: []byte{byte(n)}}
	}
	hub := &importer{}
	report, err := client(t, func(w http.ResponseWriter, r *http.Request) {
		if hub.archives > 0 {
			http.Error(w, "{}", http.StatusInsufficientStorage)
			return
		}
		hub.ServeHTTP(w, r)
	}).Import(t.Context(), from, Import{Name: "set", Step: func(int, int) {}})
	if err == nil || report.Taken != portionFiles {
		t.Errorf("%+v, %v", report, err)
	}
}

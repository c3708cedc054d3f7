package dataset

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db/dbtest"
	models "gourdian/models/dataset"
)

// unpack writes an archive into a folder.
func unpack(t *testing.T, data []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, f.Name)), 0o750)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.Name), content, 0o600)
		}
		if err = errors.Join(err, in.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnpackedArchiveIsWhatTrainingReads(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	w := farm(6)
	w.samples[0].Site = "=1+1"
	w.write(t, d)
	s := storeOn(t, d)
	v, _, err := s.Make(t.Context(), time.Time{}, "ana")
	if err != nil {
		t.Fatal(err)
	}
	gone := w.samples[3].Hash
	s.pictures = &album{gone: gone}
	var out bytes.Buffer
	if err := s.WriteZip(t.Context(), v.Manifest, "ben", &out); err != nil {
		t.Fatal(err)
	}
	dir := unpack(t, out.Bytes())
	set, err := models.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	m, err := s.Open(t.Context(), v.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	byFile := map[string]*Picture{}
	for i := range m.Pictures {
		byFile[fileOf(m.Pictures[i].Image)] = &m.Pictures[i]
	}
	if len(set.Entries) != len(m.Pictures)-1 || len(set.Skipped) != 0 {
		t.Fatalf("%d of %d pictures, %v", len(set.Entries), len(m.Pictures), set.Skipped)
	}
	for _, e := range set.Entries {
		p := byFile[e.File]
		if p == nil || p.Image == gone || e.Class != string(p.Class) || e.Group != p.Group || e.Split != string(p.Split) {
			t.Fatalf("%+v is read as %+v", p, e)
		}
		if data, err := set.Read(e); err != nil || string(data) != p.Image {
			t.Fatalf("%q, %v", data, err)
		}
	}
	set.ForTraining()
	for _, e := range set.Entries {
		if byFile[e.File].Split != Train {
			t.Errorf("training would read %s, which stands in %s", e.File, byFile[e.File].Split)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, manifestRaw))
	if err != nil || blob.Name(raw) != v.Manifest {
		t.Errorf("the manifest is %s, %v", blob.Name(raw), err)
	}
	if uses, err := s.Uses(t.Context(), v.Manifest, 10); err != nil || len(uses) != 1 || uses[0].By != "ben" || uses[0].Purpose != "export" {
		t.Errorf("the ledger has %+v, %v", uses, err)
	}
	if err := s.WriteZip(t.Context(), blob.Name([]byte("other")), "ben", io.Discard); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

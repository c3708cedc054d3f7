package dataset

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// write makes a data folder with the given files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "patch")
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, path string, renames Renames) *Set {
	t.Helper()
	set, err := Open(path, renames)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

func TestFolderPerClassListsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	set := open(t, write(t, map[string]string{
		"good/field-a/1.jpg": "x", "bad/field-a/2.JPG": "x", "bad/3.png": "x",
		"bad/notes.txt": "x", "loose.jpg": "x", ".DS_Store": "x", "bad/.thumbs/4.jpg": "x",
	}), nil)
	want := []Entry{
		{File: "bad/3.png", Class: "bad"},
		{File: "bad/field-a/2.JPG", Class: "bad", Source: "field-a"},
		{File: "good/field-a/1.jpg", Class: "good", Source: "field-a"},
	}
	if !reflect.DeepEqual(set.Entries, want) {
		t.Errorf("entries = %+v, want %+v", set.Entries, want)
	}
	skips := []Skip{{"bad/notes.txt", "not a picture by its name"}, {"loose.jpg", "in no folder of a class"}}
	if !reflect.DeepEqual(set.Skipped, skips) {
		t.Errorf("skipped = %+v, want %+v", set.Skipped, skips)
	}
	if set.Name != "patch" || set.Kind() != KindPhotos || !reflect.DeepEqual(set.Classes, []string{"bad", "good"}) {
		t.Errorf("name %q kind %q classes %v", set.Name, set.Kind(), set.Classes)
	}
}

func TestManifestReadsItsColumnsAndIgnoresTheRest(t *testing.T) {
	t.Parallel()
	manifest := "\ufeffFile, class ,boxes,group,split,crop\r\n" +
		"b/2.jpg,ripe," + strings.Repeat("1 2 3 4;", 100_000) + ",g2,Train,\r\n" +
		"a\\1.jpg,ripe,,g1,test,\"1.4 2 30 40.6\"\r\n" +
		"c/3.jpg,rotten\r\n"
	dir := write(t, map[string]string{"manifest.csv": manifest})
	want := []Entry{
		{File: "a/1.jpg", Class: "ripe", Group: "g1", Source: "a", Split: "test", Crop: Crop{1, 2, 30, 41}},
		{File: "b/2.jpg", Class: "ripe", Group: "g2", Source: "b", Split: "train"},
		{File: "c/3.jpg", Class: "rotten", Source: "c"},
	}
	for _, path := range []string{dir, filepath.Join(dir, "manifest.csv")} {
		set := open(t, path, nil)
		if !reflect.DeepEqual(set.Entries, want) || len(set.Skipped) != 0 {
			t.Errorf("%s: entries = %+v, skipped %v", path, set.Entries, set.Skipped)
		}
		if set.Name != "patch" {
			t.Errorf("%s: name = %q", path, set.Name)
		}
	}
}

func TestManifestThatLeadsOutsideIsRefusedRowByRow(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"manifest.csv": "file,class\n/etc/passwd,a\n../secret.jpg,a\nin/../../secret.jpg,a\n..,a\n.,a\n,a\nin/1.jpg,\nin/./1.jpg,a\nlink.jpg,a\nin/1.jpg,a\n",
		"in/1.jpg":     "picture",
	})
	secret := filepath.Join(filepath.Dir(dir), "secret.jpg")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	set := open(t, dir, nil)
	var reasons []string
	for _, s := range set.Skipped {
		reasons = append(reasons, s.File+": "+s.Reason)
	}
	want := []string{
		"/etc/passwd: outside the folder of the manifest",
		"../secret.jpg: outside the folder of the manifest",
		"../secret.jpg: outside the folder of the manifest",
		"..: outside the folder of the manifest",
		".: no file named",
		"line 7: no file named",
		"in/1.jpg: no class given",
		"in/1.jpg: listed twice",
	}
	if !reflect.DeepEqual(reasons, want) {
		t.Errorf("skipped:\n%s\nwant:\n%s", strings.Join(reasons, "\n"), strings.Join(want, "\n"))
	}
	for _, e := range set.Entries {
		data, err := set.Read(e)
		switch e.File {
		case "in/1.jpg":
			if err != nil || string(data) != "picture" {
				t.Errorf("read %s: %q, %v", e.File, data, err)
			}
		default:
			if err == nil {
				t.Errorf("read %s through a link that leads outside: %q", e.File, data)
			}
		}
	}
}

func TestRenamesMergeDropAndSayWhatIsNotThere(t *testing.T) {
	t.Parallel()
	renames, err := ParseRenames([]string{"whole=pumpkin", "group = pumpkin", "cut=", "pumkin=pumpkin", "pumpkin=other"})
	if err != nil {
		t.Fatal(err)
	}
	set := open(t, write(t, map[string]string{"whole/1.jpg": "", "group/2.jpg": "", "cut/3.jpg": "", "melon/4.jpg": ""}), renames)
	if !reflect.DeepEqual(set.Classes, []string{"melon", "pumpkin"}) || set.Dropped != 1 {
		t.Errorf("classes %v, dropped %d", set.Classes, set.Dropped)
	}
	if want := []string{"pumkin", "pumpkin"}; !reflect.DeepEqual(set.Unused, want) {
		t.Errorf("unused = %v, want %v", set.Unused, want)
	}
	for _, wrong := range [][]string{{"whole"}, {"=x"}, {"a=b", "a=c"}} {
		if _, err := ParseRenames(wrong); err == nil {
			t.Errorf("ParseRenames(%q) = nil error", wrong)
		}
	}
}

func TestDataThatMakesNoSenseIsRefusedInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files   map[string]string
		renames Renames
		want    string
	}{
		"nothing":         {map[string]string{"a/readme.txt": "x"}, nil, "no picture found"},
		"empty manifest":  {map[string]string{"manifest.csv": ""}, nil, "the manifest is empty"},
		"no class column": {map[string]string{"manifest.csv": "file,label\na.jpg,x\n"}, nil, "must name the columns file and class"},
		"column twice":    {map[string]string{"manifest.csv": "file,class,File\n"}, nil, "twice"},
		"all dropped":     {map[string]string{"a/1.jpg": "x"}, Renames{"a": ""}, "drops all 1 pictures"},
		"unsure":          {map[string]string{"unsure/1.jpg": "x"}, nil, "is a verdict"},
		"control":         {map[string]string{"a\x1b[31m/1.jpg": "x"}, nil, "control character"},
		"marker":          {map[string]string{"a/1.jpg": "x", MarkerName: `{"format":2}`}, nil, "format 2"},
		"marker kind":     {map[string]string{"a/1.jpg": "x", MarkerName: `{"format":1,"kind":"drawn"}`}, nil, "kind is"},
	} {
		_, err := Open(write(t, c.files), c.renames)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a missing folder gave no error")
	}
}

func TestSplitsAreKeptApart(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"manifest.csv": "file,class,split\na.jpg,x,train\nb.jpg,x,TEST\nc.jpg,x,\nd.jpg,x,val\n"})
	train, test := open(t, dir, nil), open(t, dir, nil)
	if left := train.ForTraining(); left != 2 || len(train.Entries) != 2 {
		t.Errorf("training leaves out %d and keeps %v", left, train.Entries)
	}
	if left := test.ForTesting(); left != 1 || len(test.Entries) != 3 {
		t.Errorf("testing leaves out %d and keeps %v", left, test.Entries)
	}
}

func TestReadSaysEmptyAndTooLarge(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a/empty.jpg": "", "a/large.jpg": "x"})
	if err := os.Truncate(filepath.Join(dir, "a", "large.jpg"), MaxPicture+1); err != nil {
		t.Fatal(err)
	}
	set := open(t, dir, nil)
	for _, e := range append(set.Entries, Entry{File: "a/gone.jpg"}) {
		if data, err := set.Read(e); err == nil {
			t.Errorf("read %s: %d bytes and no error", e.File, len(data))
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("file,class\na.jpg,x\n"))
	f.Add([]byte("\ufefffile,class,group,split,crop\n\"a\"\"b.jpg\",x,g,test,1 2 3 4\n"))
	f.Add([]byte("class,file\nx,../../etc/passwd\n,,\n\"\n"))
	f.Add([]byte("file,class,crop\na,b,1e300 nan 0 -1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, _, err := readManifest(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.File == "" || e.Class == "" || !filepath.IsLocal(filepath.FromSlash(e.File)) {
				t.Errorf("entry %+v leads outside or nowhere", e)
			}
			if e.Crop != (Crop{}) && (e.Crop.W <= 0 || e.Crop.H <= 0) {
				t.Errorf("entry %+v has an empty crop", e)
			}
		}
	})
}

func FuzzMarker(f *testing.F) {
	f.Add([]byte(`{"format":1,"kind":"rendered","source":"field 1","seed":7}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := parseMarker(data); (m == nil) == (err == nil) {
			t.Errorf("marker %v and error %v", m, err)
		}
	})
}

package demo

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/field"
)

// never is an Options whose functions fail the test when they are called,
// until it replaces them.
func never(t *testing.T) Options {
	t.Helper()
	return Options{
		Dir: t.TempDir(), Version: "test",
		Say:      t.Logf,
		Progress: func(string, int) (func(int), func()) { return func(int) {}, func() {} },
		Render: func(context.Context, field.Options) error {
			t.Error("renders")
			return nil
		},
		Train: func(context.Context, string, string, string) error {
			t.Error("trains")
			return nil
		},
	}
}

// makes lets o make empty models and notes what of.
func makes(o *Options) *[]string {
	var made []string
	o.Render = func(_ context.Context, r field.Options) error { return os.Mkdir(r.Dir, 0o755) }
	o.Train = func(_ context.Context, data, task, out string) error {
		made = append(made, task+" "+filepath.Base(data))
		return os.WriteFile(out, []byte("model"), 0o644)
	}
	return &made
}

func put(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, name := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("picture"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFieldShowsNoVarietyThatTrainingSaw(t *testing.T) {
	t.Parallel()
	seen := training("").Varieties
	scene, err := field.ParseScene(sceneQuery(30))
	if err != nil {
		t.Fatal(err)
	}
	st := stretchAfter(scene, scene.Start().Add(warmUp), stretchLength)
	shown := map[field.Variety]int{}
	for _, v := range st.visits {
		shown[v.Thing.Variety]++
		if v.Thing.Variety != "" && slices.Contains(seen, v.Thing.Variety) {
			t.Errorf("training saw variety %s", v.Thing.Variety)
		}
	}
	for _, v := range unseen() {
		if shown[v] == 0 {
			t.Errorf("variety %s is never shown", v)
		}
	}
	for _, c := range field.Classes() {
		if n := (&matched{stretch: st, said: make([][]record, len(st.visits))}).tally(c).there; n < 4 {
			t.Errorf("%d things of class %s are too few to judge by", n, c)
		}
	}
}

func TestModelIsMadeOnceForEachVersion(t *testing.T) {
	t.Parallel()
	o := never(t)
	made := makes(&o)
	first, err := o.scenario(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := never(t)
	again.Dir = o.Dir
	second, err := again.scenario(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.bundle != second.bundle || len(*made) != 1 {
		t.Errorf("made %q for %s and %s", *made, first.bundle, second.bundle)
	}
	o.Version = "next"
	third, err := o.scenario(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.bundle); third.bundle == first.bundle || !os.IsNotExist(err) {
		t.Errorf("the old version's model is still used or kept: %s, %v", third.bundle, err)
	}
}

func TestScenarioFollowsThePhotos(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		files []string
		want  string // task and data
		words string
	}{
		{"grades", []string{"good/1.jpg", "bad/1.JPG"}, "grade album", "bad, good"},
		{"a class that is no grade", []string{"good/1.jpg", "ripe/1.png"}, "custom album", "good, ripe"},
		{"no labels", []string{"1.jpg", "2.jpeg"}, "grade practice", "rendered pumpkins only"},
		{"one class", []string{"ripe/1.jpg"}, "grade practice", "rendered pumpkins only"},
		{"manifest", []string{"manifest.csv", "a.jpg", "b.jpg"}, "custom album", "one, two"},
		{"a question mark in the name", []string{"a?b/1.jpg", "c?d=e/2.jpg"}, "custom album", "a?b, c?d=e"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := never(t)
			made := makes(&o)
			o.Photos = filepath.Join(t.TempDir(), "album")
			put(t, o.Photos, c.files...)
			if slices.Contains(c.files, "manifest.csv") {
				text := "file,class\na.jpg,one\nb.jpg,two\n"
				if err := os.WriteFile(filepath.Join(o.Photos, "manifest.csv"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s, err := o.scenario(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(*made) != 1 || !strings.HasPrefix((*made)[0], c.want) {
				t.Errorf("made %q, want %q", *made, c.want)
			}
			if !strings.Contains(s.words, c.words) {
				t.Errorf("words %q lack %q", s.words, c.words)
			}
			if s.kind != photos || !strings.HasSuffix(s.source, "album?loop=0") {
				t.Errorf("source %q of kind %d", s.source, s.kind)
			}
		})
	}
}

func TestChangedPhotosTrainAnew(t *testing.T) {
	t.Parallel()
	o := never(t)
	made := makes(&o)
	o.Photos = t.TempDir()
	put(t, o.Photos, "good/1.jpg", "bad/1.jpg")
	for want := range 2 {
		for range 2 {
			if _, err := o.scenario(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(*made) != want+1 {
			t.Fatalf("trained %d times, want %d", len(*made), want+1)
		}
		put(t, o.Photos, "good/2.jpg")
	}
	if kept, _ := filepath.Glob(filepath.Join(o.Dir, "photos-*")); len(kept) != 1 {
		t.Errorf("%d models are kept, want the last one: %v", len(kept), kept)
	}
}

func TestWhatCannotBeShownIsSaidInWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "empty/notes.txt", "clip.mp4", "strange/unsure/1.jpg", "strange/good/1.jpg")
	if err := os.WriteFile(filepath.Join(dir, "nothing.mp4"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ photos, video, want string }{
		{"missing", "", "there is no folder"},
		{"empty", "", "there is no picture in"},
		{"clip.mp4", "", "is a file; give a folder of photos"},
		{"strange", "", `"unsure" is a verdict, not a class`},
		{"", "missing.mp4", "there is no file"},
		{"", "empty", "is a folder; a folder of photos is shown with PHOTOS="},
		{"", "nothing.mp4", "is empty"},
	}
	for _, c := range cases {
		t.Run(c.photos+c.video, func(t *testing.T) {
			t.Parallel()
			o := never(t)
			if c.photos != "" {
				o.Photos = filepath.Join(dir, c.photos)
			} else {
				o.Video = filepath.Join(dir, c.video)
			}
			if _, err := o.scenario(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTenThousandPhotosAreListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := make([]string, 0, 10_000)
	for i := range cap(names) {
		names = append(names, "photo-"+hash(string(rune(i+1)))+".jpg")
	}
	put(t, dir, names...)
	a, err := openAlbum(dir)
	if err != nil {
		t.Fatal(err)
	}
	if a.files != len(names) || len(a.classes) != 0 {
		t.Errorf("%d files of %d, classes %v", a.files, len(names), a.classes)
	}
}

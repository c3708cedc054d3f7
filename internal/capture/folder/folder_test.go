package folder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/capturetest"
	"gourdian/internal/capture/folder"
)

// photos writes a folder with a JPEG of each name; the last letters of a name
// decide what is wrong with it.
func photos(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range names {
		file, err := capturetest.Codec{}.Encode(capturetest.Plain(20+i, 10, uint8(i), 2, 3), 90)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.Contains(name, "cut"):
			file = file[:len(file)/2]
		case strings.Contains(name, "empty"):
			file = nil
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func config(dir string) folder.Config {
	return folder.Config{Dir: dir, Codec: capturetest.Codec{}, Log: slog.New(slog.DiscardHandler), Every: time.Millisecond}
}

func open(t *testing.T, c folder.Config) *folder.Source {
	t.Helper()
	source, err := folder.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestConformance(t *testing.T) {
	t.Parallel()
	dir := photos(t, "b.jpg", "a/2.jpeg", "a/10.jpg", "c.JPG", "notes.txt")
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		capturetest.Run(t, capturetest.Suite{Kind: capture.Finite, Pictures: 4, Open: func(t *testing.T, from capture.Mark) capture.Source {
			c := config(dir)
			c.From = from
			return open(t, c)
		}})
	})
	t.Run("looped", func(t *testing.T) {
		t.Parallel()
		capturetest.Run(t, capturetest.Suite{Kind: capture.Live, Open: func(t *testing.T, _ capture.Mark) capture.Source {
			c := config(dir)
			c.Loop = true
			return open(t, c)
		}})
	})
}

func names(t *testing.T, source capture.Source) []string {
	t.Helper()
	var all []string
	for {
		p, err := source.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Name)
	}
}

func TestUnreadableFilesAreCountedAndLeftOut(t *testing.T) {
	t.Parallel()
	dir := photos(t, "1.jpg", "2-cut.jpg", "3-empty.png", "4.jpg", ".hidden.jpg", ".git/5.jpg", "6.txt")
	if err := os.Mkdir(filepath.Join(dir, "folder.jpg"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(dir, "7-dangling.jpg")); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(filepath.Join(dir, "8-huge.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(capture.MaxFileBytes+1), huge.Close()); err != nil {
		t.Fatal(err)
	}
	source := open(t, config(dir))
	if got, want := names(t, source), []string{"1.jpg", "4.jpg"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if source.Unreadable() != 4 {
		t.Errorf("%d left out, want 4", source.Unreadable())
	}
}

func TestAFolderThroughALink(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(photos(t, "1.jpg"), link); err != nil {
		t.Fatal(err)
	}
	if got := names(t, open(t, config(link))); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestAFolderWithoutPicturesIsRefused(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"empty": t.TempDir(), "absent": filepath.Join(t.TempDir(), "x"), "only text": photos(t, "a.txt")} {
		if _, err := folder.Open(config(dir)); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestALoopSeesNewPicturesAndKeepsItsPace(t *testing.T) {
	dir := photos(t, "1.jpg", "2.jpg")
	synctest.Test(t, func(t *testing.T) {
		c := config(dir)
		c.Loop, c.Every = true, 2*time.Second
		source := open(t, c)
		began := time.Now()
		widths := ""
		for i := range 5 {
			if i == 2 {
				file, err := capturetest.Codec{}.Encode(capturetest.Plain(99, 10, 1, 2, 3), 90)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "3.jpg"), file, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p, err := source.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != "" {
				t.Errorf("a live picture is called %q", p.Name)
			}
			widths += fmt.Sprint(p.Image.W, " ")
		}
		if widths != "20 21 20 21 99 " {
			t.Errorf("widths %s", widths)
		}
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("five pictures in %v", took)
		}
	})
}

func TestALoopOverUnreadablePicturesFailsInsteadOfSpinning(t *testing.T) {
	t.Parallel()
	c := config(photos(t, "1-cut.jpg", "2-empty.jpg"))
	c.Loop = true
	if _, err := open(t, c).Next(t.Context()); err == nil || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

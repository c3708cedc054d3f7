package sample

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

func TestOnlyPictureFilesAreListed(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"b/2.JPG": {}, "b/notes.txt": {}, "a.png": {}, "c/d/e.webp": {}, "link.jpg": {Mode: 0o777 | fs.ModeSymlink}, "b/10.jpeg": {},
	}
	got, err := list(dir)
	if err != nil || !slices.Equal(got, []string{"a.png", "b/10.jpeg", "b/2.JPG", "c/d/e.webp"}) {
		t.Errorf("%v, %v", got, err)
	}
	for i := range picturesMost {
		dir[string(rune('a'+i%26))+"/"+string(rune(0x4e00+i))+".jpg"] = &fstest.MapFile{}
	}
	if _, err := list(dir); err == nil {
		t.Error("more pictures than memory holds were listed")
	}
}

package dataset

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// pictureExtensions are the endings that a folder is searched for; a manifest
// may name any file.
func pictureExtensions() []string {
	return []string{".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
}

// walk lists a folder per class. Hidden files and folders are passed over;
// every other file that cannot be a picture of a class is listed as skipped.
func (s *Set) walk() error {
	extensions := pictureExtensions()
	return fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			s.Skipped = append(s.Skipped, Skip{name, unwrapPath(err).Error()})
			return nil
		}
		if name != "." && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() || name == MarkerName {
			return nil
		}
		class, _, inFolder := strings.Cut(name, "/")
		switch {
		case !slices.Contains(extensions, strings.ToLower(path.Ext(name))):
			s.Skipped = append(s.Skipped, Skip{name, "not a picture by its name"})
		case !inFolder:
			s.Skipped = append(s.Skipped, Skip{name, "in no folder of a class"})
		default:
			s.Entries = append(s.Entries, Entry{File: name, Class: class, Source: sourceOf(name, class)})
		}
		return nil
	})
}

// sourceOf is the folder of a picture without the folder of its class:
// good/field-a/1.jpg and bad/field-a/2.jpg come from the same source field-a.
func sourceOf(file, class string) string {
	var rest []string
	for _, part := range strings.Split(path.Dir(file), "/") {
		if part != class && part != "." {
			rest = append(rest, part)
		}
	}
	return strings.Join(rest, "/")
}

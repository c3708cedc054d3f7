package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gourdian/internal/field"
	"gourdian/internal/vision"
	"gourdian/models"
	"gourdian/models/dataset"
)

// album is a folder of photos before anyone has opened one.
type album struct {
	dir     string
	files   int      // that the board will look at
	classes []string // that a model can learn from it, sorted
	listing string   // changes when any file does
}

// photoScenario trains on photos that are sorted into classes, and grades
// others with the model of rendered pumpkins.
func (o *Options) photoScenario(ctx context.Context) (*scenario, error) {
	a, err := openAlbum(o.Photos)
	if err != nil {
		return nil, fmt.Errorf("find the photos: %w", err)
	}
	// loop=0 says nothing new, but lets a folder's name hold a question mark.
	s := &scenario{source: "folder:" + a.dir + "?loop=0", kind: photos, files: a.files, name: "Photos", site: "Your photos"}
	if len(a.classes) < 2 {
		if len(a.classes) == 1 {
			o.Say("All labelled photos are of one class (%s): nothing can be learnt from that. For a model of their own, sort them into a folder for each class.", a.classes[0])
		}
		s.words = "It grades your photos with a model that learnt from rendered pumpkins only: its verdicts are for trying out."
		s.bundle, err = o.renderedModel(ctx)
		return s, err
	}
	task := models.TaskCustom
	if !slices.ContainsFunc(a.classes, func(c string) bool { return !slices.Contains(gradeClasses(), c) }) {
		task = models.TaskGrade
	}
	s.words = fmt.Sprintf("It looks at your photos with a model that it learnt from these same photos (%s):\nthe page shows how it works, the report above how good the model is.", strings.Join(a.classes, ", "))
	place := "photos-" + hash(a.dir)
	s.bundle = filepath.Join(o.Dir, place+"-"+hash(o.Version, vision.PreprocessID(), a.listing)+".gourdian")
	if _, err := os.Stat(s.bundle); err == nil {
		o.Say("1. The model of these photos is there from an earlier demo.")
		return s, nil
	}
	o.Say("1. Training a model on your %d photos of %d classes: %s.", a.files, len(a.classes), strings.Join(a.classes, ", "))
	if err := o.Train(ctx, a.dir, task, s.bundle); err != nil {
		return nil, err
	}
	return s, o.clear(place+"-*", s.bundle)
}

func gradeClasses() []string {
	var names []string
	for _, c := range field.Classes() {
		names = append(names, string(c))
	}
	return names
}

// openAlbum lists a folder of photos. Its errors are for the person who named
// it.
func openAlbum(given string) (*album, error) {
	dir, err := filepath.Abs(given)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s", dir)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file; give a folder of photos, or a video with VIDEO=%s (gourdianctl demo --video)", dir, given)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // what is walked below
		return nil, err
	}
	a := &album{dir: dir}
	if err := a.list(); err != nil {
		return nil, err
	}
	if a.files == 0 {
		return nil, fmt.Errorf("there is no picture in %s (%s)", dir, strings.Join(pictures(), ", "))
	}
	return a, a.classify()
}

// pictures are the endings of what the board opens of a folder.
func pictures() []string { return []string{".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"} }

// list counts the pictures and notes what would change a model of them. Hidden
// files and folders are passed over, as they are by the board.
func (a *album) list() error {
	var b strings.Builder
	err := filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != a.dir && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(a.dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, rel, info.Size(), info.ModTime().UnixNano())
		if slices.Contains(pictures(), strings.ToLower(filepath.Ext(path))) {
			a.files++
		}
		return nil
	})
	a.listing = b.String()
	return err
}

// classify finds the classes: folders, or what a manifest says.
func (a *album) classify() error {
	set, err := dataset.Open(a.dir, nil)
	if err != nil {
		if entries, err2 := os.ReadDir(a.dir); err2 == nil && hasFolder(entries) {
			return err // folders that can't be classes: say why
		}
		return nil // loose photos have no class
	}
	a.classes = set.Classes
	if err := set.Close(); err != nil {
		return fmt.Errorf("close the photos: %w", err)
	}
	return nil
}

func hasFolder(entries []fs.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() && !strings.HasPrefix(e.Name(), ".") || e.Name() == "manifest.csv"
	})
}

package dataset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxPicture is the largest encoded picture that is read, in bytes. It leaves
// room for the header of a worker's frame.
const MaxPicture = 48 << 20

// manifestName is the manifest that is looked for inside a folder.
const manifestName = "manifest.csv"

// Entry is one picture as the data names it, before it has been opened.
type Entry struct {
	File   string // slash-separated, below the folder of the data
	Class  string // after renaming
	Group  string // as given, empty where none is
	Source string // near-duplicates are looked for within one source only
	Split  string // lower case, empty where none is given
	Crop   Crop   // the zero Crop is the whole picture
}

// Skip is a picture that was left out, and why.
type Skip struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// Set is what one --data names. Close releases its folder.
type Set struct {
	Name    string   // last element of its path
	Entries []Entry  // sorted by file, then crop
	Classes []string // sorted, without repetition
	Skipped []Skip   // what the listing itself left out
	Dropped int      // pictures of classes that the renaming drops
	Unused  []string // classes that the renaming names and the data does not have
	Marker  *Marker  // what a generator says of its own pictures, nil for photos

	root *os.Root
}

// Open lists the pictures at path: a folder with a manifest.csv, a folder per
// class, or a CSV file whose pictures lie beside it. Pictures are reached
// through os.Root, so neither a manifest nor a symbolic link leads outside
// that folder. It fails when the data as a whole makes no sense, not for
// single pictures.
func Open(path string, renames Renames) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	dir, manifest := path, manifestName
	if !info.IsDir() {
		dir, manifest = filepath.Dir(path), filepath.Base(path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	set := &Set{Name: nameOf(path), root: root}
	if err := set.list(manifest, !info.IsDir()); err != nil {
		root.Close()
		return nil, err
	}
	set.apply(renames)
	if err := set.check(); err != nil {
		root.Close()
		return nil, fmt.Errorf("data %s: %w", path, err)
	}
	return set, nil
}

// Close releases the folder; the Set cannot be read afterwards.
func (s *Set) Close() error { return s.root.Close() }

// Read returns the encoded picture of an entry.
func (s *Set) Read(e Entry) ([]byte, error) {
	f, err := s.root.Open(filepath.FromSlash(e.File))
	if err != nil {
		return nil, unwrapPath(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxPicture+1))
	if err != nil {
		return nil, unwrapPath(err)
	}
	switch {
	case len(data) == 0:
		return nil, errors.New("the file is empty")
	case len(data) > MaxPicture:
		return nil, fmt.Errorf("larger than %d MiB", MaxPicture>>20)
	}
	return data, nil
}

func (s *Set) list(manifest string, must bool) error {
	marker, err := readMarker(s.root)
	if err != nil {
		return err
	}
	s.Marker = marker
	f, err := s.root.Open(manifest)
	switch {
	case err == nil:
		defer f.Close()
		s.Entries, s.Skipped, err = readManifest(f)
		if err != nil {
			return fmt.Errorf("read %s: %w", manifest, err)
		}
	case !must && errors.Is(err, fs.ErrNotExist):
		if err := s.walk(); err != nil {
			return fmt.Errorf("list the folder: %w", err)
		}
	default:
		return fmt.Errorf("open %s: %w", manifest, unwrapPath(err))
	}
	return nil
}

// apply renames and drops classes, sorts, and leaves out repeated rows.
func (s *Set) apply(renames Renames) {
	used := map[string]bool{}
	kept := s.Entries[:0]
	for _, e := range s.Entries {
		if to, ok := renames[e.Class]; ok {
			used[e.Class] = true
			e.Class = to
		}
		if e.Class == "" {
			s.Dropped++
			continue
		}
		kept = append(kept, e)
	}
	slices.SortStableFunc(kept, compareEntries)
	s.Entries = nil
	for i, e := range kept {
		if i > 0 && compareEntries(kept[i-1], e) == 0 {
			s.Skipped = append(s.Skipped, Skip{e.File, "listed twice"})
			continue
		}
		s.Entries = append(s.Entries, e)
		if !slices.Contains(s.Classes, e.Class) {
			s.Classes = append(s.Classes, e.Class)
		}
	}
	slices.Sort(s.Classes)
	for from := range renames {
		if !used[from] {
			s.Unused = append(s.Unused, from)
		}
	}
	slices.Sort(s.Unused)
}

// ForTraining leaves out the pictures that the data sets apart for tests: all
// whose split is given and is not "train". It returns how many.
func (s *Set) ForTraining() int {
	return s.keep(func(split string) bool { return split == "" || split == "train" })
}

// ForTesting leaves out the pictures whose split is "train" and returns how many.
func (s *Set) ForTesting() int {
	return s.keep(func(split string) bool { return split != "train" })
}

func (s *Set) keep(wanted func(split string) bool) int {
	before := len(s.Entries)
	s.Entries = slices.DeleteFunc(s.Entries, func(e Entry) bool { return !wanted(e.Split) })
	return before - len(s.Entries)
}

func (s *Set) check() error {
	if len(s.Entries) == 0 {
		if s.Dropped > 0 {
			return fmt.Errorf("--map drops all %d pictures", s.Dropped)
		}
		return fmt.Errorf("no picture found: give a folder with one folder of pictures per class, or a %s with the columns file,class", manifestName)
	}
	for _, class := range s.Classes {
		if err := checkClass(class); err != nil {
			return err
		}
	}
	return nil
}

func checkClass(class string) error {
	switch {
	case class == "unsure":
		return errors.New(`"unsure" is a verdict, not a class: rename it with --map unsure=NAME or drop it with --map unsure=`)
	case len(class) > 64:
		return fmt.Errorf("class name %.20q... is longer than 64 bytes", class)
	case strings.ContainsFunc(class, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }):
		return fmt.Errorf("class name %q holds a control character", class)
	}
	return nil
}

func compareEntries(a, b Entry) int {
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	return a.Crop.compare(b.Crop)
}

func nameOf(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Base(path)
	}
	if base := filepath.Base(abs); base != manifestName {
		return base
	}
	return filepath.Base(filepath.Dir(abs))
}

// unwrapPath drops the path from an error of the file system: the list of
// skipped pictures names the file already.
func unwrapPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

package sample

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// Limits of one import. What an archive claims of itself is not believed: bytes
// are counted as they come out.
const (
	MaxArchive  = 4 << 30 // bytes of the archive itself
	MaxEntries  = 50_000
	maxUnpacked = 16 << 30 // bytes of all pictures
	maxRefusals = 1000     // that a report names
)

// ErrArchive is wrapped where an archive can't be read or is beyond a limit.
var ErrArchive = errors.New("not a usable archive")

// Refusal is one file that was not taken.
type Refusal struct {
	File  string `json:"file"`
	Fault Fault  `json:"fault"`
}

// Faults of an archive's entries beside those of pictures.
const (
	NotPicture Fault = "not_picture" // by its name
	NotFile    Fault = "not_file"    // a link, a device, a path that leaves the archive
)

// Report says what became of an import.
type Report struct {
	Seen     int           `json:"seen"` // files
	Taken    int           `json:"taken"`
	Labelled int           `json:"labelled"` // of those taken, by the folder that they stood in
	Refused  map[Fault]int `json:"refused"`
	Files    []Refusal     `json:"files"` // the first maxRefusals refused ones
	// Doubtful are those taken that are probably no pumpkins, Unasked the pictures
	// of which nobody could say: no model answered.
	Doubtful int `json:"doubtful"`
	Unasked  int `json:"unasked"`
}

func (r *Report) refuse(file string, fault Fault) {
	r.Refused[fault]++
	if len(r.Files) < maxRefusals {
		r.Files = append(r.Files, Refusal{wire.Text(file, 300), fault})
	}
}

// Import says what an import does.
type Import struct {
	Name     string // of the archive, for the origin of its pictures
	Site     string // where they were taken, "" = nobody says
	KeepPoor bool
	// KeepUnlikely takes what is probably no pumpkin too, for somebody to label.
	KeepUnlikely bool
	// Said reports that the name of a folder says what its pictures show: then
	// the champion is not asked. nil = none does.
	Said func(folder string) bool
	// Label is called for each taken picture with the name of the folder that it
	// stood in, nil = folders mean nothing. It says whether that was a label.
	Label func(ctx context.Context, hash, folder string) (bool, error)
	// Since is when this import was ordered. One that was cut off and begins anew
	// counts what it took since then as taken; zero = it was never cut off.
	Since time.Time
	// Step is called after each file, nil = nobody watches.
	Step func(done, of int)
}

// CheckZip looks whether a file is an archive that ImportZip would read.
func CheckZip(r io.ReaderAt, size int64) error {
	_, err := openZip(r, size)
	return err
}

func openZip(r io.ReaderAt, size int64) (*zip.Reader, error) {
	if size > MaxArchive {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrArchive, size, int64(MaxArchive))
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are labels here, never paths
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if len(z.File) > MaxEntries {
		return nil, fmt.Errorf("%w: %d entries, at most %d", ErrArchive, len(z.File), MaxEntries)
	}
	return z, nil
}

// ImportZip takes the pictures of an archive.
func (s *Store) ImportZip(ctx context.Context, r io.ReaderAt, size int64, how Import) (Report, error) {
	z, err := openZip(r, size)
	if err != nil {
		return Report{}, err
	}
	var files []entry
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		files = append(files, entry{f.Name, f.Mode(), func() (io.ReadCloser, error) { return f.Open() }})
	}
	return s.takeAll(ctx, files, how)
}

// entry is one file of an import.
type entry struct {
	name string
	mode fs.FileMode
	open func() (io.ReadCloser, error)
}

func (s *Store) takeAll(ctx context.Context, files []entry, how Import) (Report, error) {
	report := Report{Refused: map[Fault]int{}, Files: []Refusal{}}
	left := int64(maxUnpacked)
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		report.Seen++
		if err := s.takeOne(ctx, f, how, &report, &left); err != nil {
			return report, fmt.Errorf("import %.100q: %w", f.name, err)
		}
		if how.Step != nil {
			how.Step(i+1, len(files))
		}
	}
	return report, nil
}

func (s *Store) takeOne(ctx context.Context, f entry, how Import, report *Report, left *int64) error {
	switch {
	case !f.mode.IsRegular() || !fs.ValidPath(f.name):
		report.refuse(f.name, NotFile)
		return nil
	case !named(f.name):
		report.refuse(f.name, NotPicture)
		return nil
	}
	data, err := unpack(f, min(maxBytes, *left))
	*left -= int64(len(data))
	switch {
	case errors.Is(err, errTooLong) && *left <= 0:
		return fmt.Errorf("%w: more than %d bytes of pictures", ErrArchive, int64(maxUnpacked))
	case errors.Is(err, errTooLong):
		report.refuse(f.name, TooLarge)
		return nil
	case err != nil:
		report.refuse(f.name, Broken)
		return nil
	}
	given := Given{Source: FromImport, Origin: how.Name + "/" + f.name, Site: how.Site, Data: data, KeepPoor: how.KeepPoor, KeepUnlikely: how.KeepUnlikely}
	if folder := path.Base(path.Dir(f.name)); how.Said == nil || !how.Said(folder) {
		given.Doubts = s.doubts(how, report)
	}
	hash, fault, err := s.Add(ctx, given)
	if err == nil && fault == Duplicate && !how.Since.IsZero() {
		fault, err = s.tookBefore(ctx, hash, given, how.Since)
	}
	if err != nil {
		return err
	}
	if fault != Sound {
		report.refuse(f.name, fault)
		return nil
	}
	report.Taken++
	if how.Label == nil {
		return nil
	}
	labelled, err := how.Label(ctx, hash, path.Base(path.Dir(f.name)))
	if labelled {
		report.Labelled++
	}
	return err
}

// doubts asks the champion, and counts in the report what comes of it.
func (s *Store) doubts(how Import, report *Report) func(context.Context, vision.Tensor) bool {
	return func(ctx context.Context, in vision.Tensor) bool {
		doubt, known := false, false
		if s.config.Doubts != nil {
			doubt, known = s.config.Doubts(ctx, in)
		}
		if !known {
			report.Unasked++
		}
		if doubt && how.KeepUnlikely {
			report.Doubtful++
		}
		return doubt
	}
}

// tookBefore is Sound where a picture that is here already came from the same
// file of the same import, before that was cut off.
func (s *Store) tookBefore(ctx context.Context, hash string, g Given, since time.Time) (Fault, error) {
	mine, err := s.db.Read().NewSelect().Model((*Sample)(nil)).Where("s.hash = ? AND s.state = ?", hash, Kept).
		Where("s.source = ? AND s.origin = ?", g.Source, wire.Text(g.Origin, wire.MaxText)).Where("s.received_at >= ?", since.UnixMicro()).Exists(ctx)
	if err != nil {
		return "", fmt.Errorf("look for picture: %w", err)
	}
	if mine {
		return Sound, nil
	}
	return Duplicate, nil
}

var errTooLong = errors.New("too many bytes")

// unpack reads at most most bytes, whatever the entry claims.
func unpack(f entry, most int64) ([]byte, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = errTooLong
	}
	return data, err
}

// named reports a name by which pictures go; what is in it is looked at later.
func named(name string) bool {
	if strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(name, "__MACOSX/") {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp":
		return true
	}
	return false
}

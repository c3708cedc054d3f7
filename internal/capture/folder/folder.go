// Package folder is the source that shows the pictures of a folder: once and
// all of them, or again and again like a camera.
package folder

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

// DefaultFPS is the rate of a looped folder that names none.
const DefaultFPS = 1

// Config says what is read and how.
type Config struct {
	Dir   string
	Loop  bool          // live: begin again at the end
	Every time.Duration // between two pictures of a looped folder
	From  capture.Mark  // where a folder that is read once begins
	Codec capture.Codec
	Log   *slog.Logger
}

// Source implements capture.Source. Its pictures come in the order of their
// names, subfolders included; what can't be read is logged, counted and left
// out.
type Source struct {
	config     Config
	names      []string // slash-separated, below Dir, sorted
	at         int      // index of the next one
	seen       int      // pictures read in this round
	due        time.Time
	picture    vision.Image
	unreadable uint64
}

// Open lists the folder. It is an error if there is no picture in it.
func Open(config Config) (*Source, error) {
	s := &Source{config: config, due: time.Now()}
	if err := s.list(); err != nil {
		return nil, err
	}
	if !config.Loop {
		s.resume(config.From)
	}
	return s, nil
}

func (s *Source) list() error {
	names, err := list(s.config.Dir)
	if err != nil {
		return fmt.Errorf("list pictures: %w", err)
	}
	if len(names) == 0 {
		return fmt.Errorf("list pictures: none in %s (JPEG, PNG, WebP, GIF or BMP)", s.config.Dir)
	}
	s.names, s.at, s.seen = names, 0, 0
	return nil
}

// resume goes on behind the picture that was shown last. Those that ended the
// worker are left out.
func (s *Source) resume(from capture.Mark) {
	if from.After != "" {
		at, found := slices.BinarySearch(s.names, from.After)
		if found {
			at++
		}
		s.at, s.seen = at, 1
	}
	for range from.Skip {
		if s.at < len(s.names) {
			s.leaveOut(s.names[s.at], fmt.Errorf("it ended the camera's worker"))
			s.at++
		}
	}
}

// list returns the names of the pictures below dir, sorted by bytes. Hidden
// files and folders are not looked at.
func list(dir string) ([]string, error) {
	root, err := filepath.EvalSymlinks(dir) // WalkDir does not follow a link to the folder itself
	if err != nil {
		return nil, err
	}
	var names []string
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir() || !isPicture(entry.Name()):
			return nil
		}
		name, err := filepath.Rel(root, file)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	slices.Sort(names)
	return names, err
}

func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp":
		return true
	}
	return false
}

// Kind implements capture.Source.
func (s *Source) Kind() capture.Kind {
	if s.config.Loop {
		return capture.Live
	}
	return capture.Finite
}

// Unreadable is how many files were left out since Open.
func (s *Source) Unreadable() uint64 { return s.unreadable }

// Next implements capture.Source.
func (s *Source) Next(ctx context.Context) (capture.Picture, error) {
	if err := s.pace(ctx); err != nil {
		return capture.Picture{}, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return capture.Picture{}, err
		}
		if s.at == len(s.names) {
			if err := s.startAgain(); err != nil {
				return capture.Picture{}, err
			}
		}
		name := s.names[s.at]
		s.at++
		file, err := read(filepath.Join(s.config.Dir, filepath.FromSlash(name)))
		if err == nil {
			err = s.config.Codec.Decode(file, &s.picture)
		}
		if err != nil {
			s.leaveOut(name, err)
			continue
		}
		s.seen++
		picture := capture.Picture{Image: s.picture, File: file, CapturedAt: time.Now().UTC()}
		if !s.config.Loop {
			picture.Name = name
		}
		return picture, nil
	}
}

// pace waits until the next picture of a looped folder is due.
func (s *Source) pace(ctx context.Context) error {
	if !s.config.Loop {
		return nil
	}
	select {
	case <-time.After(time.Until(s.due)):
	case <-ctx.Done():
		return ctx.Err()
	}
	s.due = time.Now().Add(s.config.Every)
	return nil
}

// startAgain begins the next round of a looped folder, with what is in it now.
func (s *Source) startAgain() error {
	switch {
	case !s.config.Loop:
		return io.EOF
	case s.seen == 0:
		return fmt.Errorf("none of the %d pictures in %s can be read", len(s.names), s.config.Dir)
	}
	return s.list()
}

func (s *Source) leaveOut(name string, err error) {
	s.unreadable++
	s.config.Log.Warn("picture left out", "file", name, "err", err)
}

// read returns a file, but never more of it than a picture may have.
func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a file", capture.ErrBadImage)
	}
	if info.Size() > capture.MaxFileBytes {
		return nil, fmt.Errorf("%w: file of %d MB", capture.ErrTooLarge, info.Size()>>20)
	}
	return io.ReadAll(io.LimitReader(f, capture.MaxFileBytes+1))
}

// Close implements capture.Source.
func (s *Source) Close() error { return nil }

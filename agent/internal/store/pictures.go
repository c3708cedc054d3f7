package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/quality"
)

// A picture arrives in a folder of its own, synced, before its record is
// committed; then it is renamed to its place. So whatever a crash leaves behind
// lies in that one folder, and what the record says tells what becomes of it.

const pictureEnd = ".jpg"

// picture is a picture that lies in the arrivals' folder.
type picture struct {
	hash  hash
	path  string
	size  int64
	print quality.Fingerprint
}

// String returns the hash in lower-case hex.
func (h hash) String() string { return hex.EncodeToString(h[:]) }

func parseHash(text string) (hash, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != hashSize || hex.EncodeToString(raw) != text {
		return hash{}, fmt.Errorf("%q is not a SHA-256 in lower-case hex", text)
	}
	return hash(raw), nil
}

// place is where a picture belongs.
func (s *Store) place(h hash) string {
	name := h.String()
	return filepath.Join(s.opts.Dir, picturesName, name[:2], name+pictureEnd)
}

func (s *Store) arrivals() string { return filepath.Join(s.opts.Dir, arrivingName) }

// bringPicture writes a picture to the arrivals' folder. It returns nil, and
// counts, when there is no room for it.
func (s *Store) bringPicture(jpeg []byte) *picture {
	p := &picture{hash: sha256.Sum256(jpeg), size: int64(len(jpeg))}
	name := p.hash.String() + "." + strconv.FormatUint(s.arrived.Add(1), 10)
	p.path = filepath.Join(s.arrivals(), name)
	if quota := s.snapshot().pictureQuota; p.size > quota {
		s.missPicture(fmt.Errorf("%w: a picture of %d bytes in a quota of %d", ErrFull, p.size, quota))
		return nil
	}
	err := s.disk.write(p.path, jpeg)
	if err == nil {
		err = s.disk.syncFolder(s.arrivals())
	}
	if err != nil {
		s.dropArrival(p)
		s.missPicture(err)
		return nil
	}
	return p
}

func (s *Store) missPicture(err error) {
	s.mu.Lock()
	s.state.picturesNotKept++
	n := s.state.picturesNotKept
	s.mu.Unlock()
	if n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th ...: a full disk must not fill the log
		s.log.Warn("a picture is not kept", "so_far", n, "error", err)
	}
}

func (s *Store) dropArrival(p *picture) {
	if err := s.disk.remove(p.path); err != nil {
		s.log.Warn("taking an arrival away", "hash", p.hash, "error", err)
	}
}

// placePicture moves an arrival to its place.
func (s *Store) placePicture(p *picture) error {
	to := s.place(p.hash)
	folder := filepath.Dir(to)
	if err := os.Mkdir(folder, 0o750); err == nil {
		if err := s.disk.syncFolder(filepath.Dir(folder)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.disk.rename(p.path, to); err != nil {
		return err
	}
	return s.disk.syncFolder(folder)
}

// finishArrivals does for pictures what a crash or a full disk left undone:
// those on the shelf go to their place, the others away.
func (s *Store) finishArrivals() error {
	files, err := os.ReadDir(s.arrivals())
	if err != nil {
		return err
	}
	for _, file := range files {
		p := &picture{path: filepath.Join(s.arrivals(), file.Name())}
		if !s.belongs(p, file.Name()) {
			s.dropArrival(p)
			continue
		}
		if err := s.placePicture(p); err != nil {
			s.log.Warn("putting a picture in its place", "hash", p.hash, "error", err)
		}
	}
	return nil
}

// belongs reports whether an arrival is whole and on the shelf.
func (s *Store) belongs(p *picture, name string) bool {
	text, _, _ := strings.Cut(name, ".")
	h, err := parseHash(text)
	if err != nil {
		return false
	}
	p.hash = h
	data, err := os.ReadFile(p.path)
	if err != nil || sha256.Sum256(data) != h {
		return false
	}
	err = s.db.View(func(txn *badger.Txn) error {
		_, err := txn.Get(pictureKey(h))
		return err
	})
	return err == nil
}

// Picture opens a picture by its SHA-256 in lower-case hex. The bytes are
// checked: a missing, torn or altered file is ErrNotFound, like one that went
// for room. The caller closes it.
func (s *Store) Picture(name string) (io.ReadSeekCloser, error) {
	h, err := parseHash(name)
	if err != nil {
		return nil, fmt.Errorf("picture: %w: %w", ErrNotFound, err)
	}
	f, err := s.openPicture(h)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err == nil && hash(sum.Sum(nil)) != h {
		err = fmt.Errorf("%w: the file of %s is damaged", ErrNotFound, name)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("picture: %w", err), f.Close())
	}
	return f, nil
}

// openPicture looks in the picture's place, and among the arrivals for one that
// could not be moved.
func (s *Store) openPicture(h hash) (*os.File, error) {
	f, err := os.Open(s.place(h))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	waiting, err := filepath.Glob(filepath.Join(s.arrivals(), h.String()+".*"))
	for _, path := range waiting {
		if f, err := os.Open(path); err == nil {
			return f, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%w: %s", ErrNotFound, h), err)
}

// adoptPictures shelves the pictures that a store without records finds, as the
// first to go: their records are lost, but their bytes must be counted.
func (s *Store) adoptPictures() error {
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	root := filepath.Join(s.opts.Dir, picturesName)
	err := filepath.WalkDir(root, func(path string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		h, err := parseHash(strings.TrimSuffix(file.Name(), pictureEnd))
		info, ierr := file.Info()
		if err != nil || ierr != nil || path != s.place(h) {
			return nil // not ours
		}
		p := shelved{worth: worthLeast, size: info.Size()}
		if err := batch.Set(pictureKey(h), p.encode()); err != nil {
			return err
		}
		return batch.Set(p.key(h), p.encode())
	})
	if err != nil {
		return fmt.Errorf("look for pictures: %w", err)
	}
	return batch.Flush()
}

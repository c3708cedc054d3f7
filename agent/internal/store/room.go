package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Badger writes to files that are mapped into memory, where a full disk would
// kill the process. So the store stops accepting before that. Below MinFreeMB
// a reserve file is given back, so that Badger can finish its work, and
// pictures go; arrivals are refused until the disk has room for the reserve
// again.

// editRoom is what the farmer's own changes need: they are small, and one of
// them is to lower the quota.
const editRoom = 1 << 20

// room says what may be stored now: nil, or an error that wraps ErrFull.
type room struct{ arrivals, edits error }

func (s *Store) minFree() int64 { return int64(s.opts.MinFreeMB) << 20 }

func (s *Store) reserveSize() int64 { return int64(s.opts.ReserveMB) << 20 }

func (s *Store) reservePath() string { return filepath.Join(s.opts.Dir, reserveName) }

// findReserve looks whether the reserve file is there. A store without it
// starts full, and makes it as soon as there is room.
func (s *Store) findReserve() {
	info, err := os.Stat(s.reservePath())
	s.setDiskFull(err != nil || info.Size() != s.reserveSize())
}

// roomToOpen makes sure that Badger can be opened: it replays its memory
// tables to disk then.
func (s *Store) roomToOpen() error {
	need := int64(s.opts.MemTableMB)<<20 + 4*editRoom
	free, err := s.disk.free(s.opts.Dir)
	if err == nil && free < need {
		s.giveReserve()
		free, err = s.disk.free(s.opts.Dir)
	}
	if err != nil {
		return err
	}
	if free < need {
		return fmt.Errorf("%w: %d MiB are free on the disk of %s, %d are needed to open the store", ErrFull, free>>20, s.opts.Dir, need>>20)
	}
	return nil
}

// makeFree says what may be stored, after pictures went if that helps.
func (s *Store) makeFree() room {
	free, err := s.disk.free(s.opts.Dir)
	if err != nil {
		s.log.Warn("looking for room", "error", err)
		return room{} // the disk will say
	}
	full := s.snapshot().diskFull
	if !full && free >= s.minFree() {
		return room{}
	}
	if !full {
		s.giveReserve()
	}
	need := s.minFree() + s.reserveSize()
	if free, err = s.shedUntil(need); err == nil && free >= need {
		err = s.takeReserve()
	}
	if err == nil && free >= need {
		return room{}
	}
	if !full {
		s.log.Warn("the disk is full: nothing is kept until there is room", "free", free, "needed", need)
	}
	refusal := fmt.Errorf("%w: %d MiB are free on the disk, %d are needed", ErrFull, free>>20, need>>20)
	r := room{arrivals: errors.Join(refusal, err)}
	if free < editRoom {
		r.edits = r.arrivals
	}
	return r
}

// shedUntil takes pictures away until need bytes are free, or none is left, and
// returns how many are.
func (s *Store) shedUntil(need int64) (int64, error) {
	for {
		free, err := s.disk.free(s.opts.Dir)
		if err != nil || free >= need {
			return free, err
		}
		went, err := s.shed()
		if err != nil || !went {
			return free, err
		}
	}
}

// shed takes the least valued pictures away, up to maxShed of them, and reports
// whether there were any.
func (s *Store) shed() (went bool, err error) {
	err = s.transact(func(b *batch) error {
		for range maxShed {
			took, err := s.takeLeast(b)
			if err != nil || !took {
				return err
			}
			went = true
		}
		return nil
	}, 0)
	return went, err
}

// maxShed is a few MB of pictures: then the disk is asked again.
const maxShed = 100

func (s *Store) giveReserve() {
	if err := s.disk.remove(s.reservePath()); err != nil {
		s.log.Error("giving the reserve back", "error", err)
	}
	s.setDiskFull(true)
}

func (s *Store) takeReserve() error {
	if err := s.disk.reserve(s.reservePath(), s.reserveSize()); err != nil {
		return fmt.Errorf("%w: make the reserve: %w", ErrFull, err)
	}
	s.setDiskFull(false)
	return nil
}

func (s *Store) setDiskFull(full bool) {
	s.mu.Lock()
	s.state.diskFull = full
	s.mu.Unlock()
}

func (s *Store) overQuota() bool {
	now := s.snapshot()
	return now.shelf.total() > now.pictureQuota
}

// SetPictureQuota changes the quota in units of 1,000,000 bytes. What is too
// much goes within seconds.
func (s *Store) SetPictureQuota(mb int) error {
	if mb < 1 {
		return fmt.Errorf("picture quota of %d MB: at least 1", mb)
	}
	s.mu.Lock()
	s.state.pictureQuota = int64(mb) * megabyte
	s.mu.Unlock()
	return nil
}

// Usage is what the Store keeps and could not keep.
type Usage struct {
	Records         uint64 // kept
	LastSeq         uint64 // of the newest record
	Acked           uint64 // up to here the hub has the records
	Quarantined     uint64 // records that the hub put away
	Sampled         uint64 // up to here pictures were chosen for the hub
	Errands         uint64 // changes with what Store.Errands returns
	Pictures        uint64
	PictureBytes    int64
	PictureQuota    int64  // bytes
	NotKept         uint64 // records refused since the start
	PicturesNotKept uint64 // records kept without their picture since the start
	DiskFull        bool   // nothing is accepted until the disk has room
	Degraded        bool   // DiskFull, the records' quota is used up, or the last commit failed
}

// Usage returns the figures of this moment.
func (s *Store) Usage() Usage {
	now := s.snapshot()
	quotaUsed := now.recordBytes+maxRecordValue > int64(s.opts.RecordQuotaMB)*megabyte && now.first > now.acked
	return Usage{
		Records:         now.seq + 1 - now.first,
		LastSeq:         now.seq,
		Acked:           now.acked,
		Quarantined:     now.quarantined,
		Sampled:         now.sampled,
		Errands:         now.errands,
		Pictures:        now.shelf.pictures,
		PictureBytes:    now.shelf.total(),
		PictureQuota:    now.pictureQuota,
		NotKept:         now.notKept,
		PicturesNotKept: now.picturesNotKept,
		DiskFull:        now.diskFull,
		Degraded:        now.diskFull || now.failed || quotaUsed,
	}
}

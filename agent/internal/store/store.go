package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// megabyte is the unit of quotas, as on the label of a memory card.
const megabyte = 1_000_000

// Options say where and how much a Store keeps. Zero numbers mean the default.
type Options struct {
	Dir            string         // the data folder; made when missing
	PictureQuotaMB int            // of pictures, in units of 1,000,000 bytes; default 2,000
	RecordQuotaMB  int            // of records before compression; default 1,000
	MinFreeMB      int            // room on the disk below which nothing is accepted; default 64
	ReserveMB      int            // of the file that is given back when the disk is full; default 32
	MemTableMB     int            // of Badger's two memory tables each, in MiB; default 8
	BlockCacheMB   int            // of Badger's cache, in MiB; default 4
	IndexCacheMB   int            // of its tables' indexes, in MiB; default 4
	ValueLogMB     int            // of Badger's value log files, in MiB; default 16
	Location       *time.Location // of days and hours; default UTC
	Log            *slog.Logger   // default: silent
}

func (o Options) withDefaults() Options {
	defaults := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	defaults(&o.PictureQuotaMB, 2_000)
	defaults(&o.RecordQuotaMB, 1_000)
	defaults(&o.MinFreeMB, 64)
	defaults(&o.ReserveMB, 32)
	defaults(&o.MemTableMB, 8)
	defaults(&o.BlockCacheMB, 4)
	defaults(&o.IndexCacheMB, 4)
	defaults(&o.ValueLogMB, 16)
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is the board's memory. Its methods may be called from any goroutine;
// those that change something wait for Run.
type Store struct {
	opts   Options
	disk   disk
	log    *slog.Logger
	lock   *os.File
	db     *badger.DB
	device string
	epoch  string

	requests  chan *request // unbuffered: what was taken is answered
	closed    chan struct{}
	closeOnce sync.Once
	closeErr  error
	running   sync.Mutex    // held by Run
	arrived   atomic.Uint64 // numbers arrivals

	// watch is told before and after each commit; tests set it.
	watch func(committed bool, requests int)

	from [worths]uint64 // of batch; only Run uses it

	mu    sync.Mutex
	state state // guarded by mu; only Open and Run write it
}

// state is what the Store knows of its own size.
type state struct {
	seq             uint64 // of the newest record
	first           uint64 // of the oldest record that is kept, at least 1
	acked           uint64 // up to here the hub has them
	quarantined     uint64 // records that the hub put away
	sampled         uint64 // up to here pictures were chosen for the hub
	errands         uint64 // changes with what the hub is to be told of pictures
	recordBytes     int64
	shelf           shelf
	pictureQuota    int64
	notKept         uint64
	picturesNotKept uint64
	diskFull        bool // the reserve is given back
	failed          bool // the last commit failed
}

// Open takes the data folder, finishes what a crash left half-done and counts
// what is there. The errors wrap ErrLocked, ErrFormat
// and ErrFull where they apply.
func Open(opts Options) (*Store, error) {
	return open(opts, realDisk{})
}

func open(opts Options, d disk) (_ *Store, err error) {
	opts = opts.withDefaults()
	s := &Store{
		opts: opts, disk: d, log: opts.Log,
		requests: make(chan *request), closed: make(chan struct{}),
		state: state{pictureQuota: int64(opts.PictureQuotaMB) * megabyte},
	}
	for _, name := range []string{recordsName, picturesName, arrivingName} {
		if err := os.MkdirAll(filepath.Join(opts.Dir, name), 0o750); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	}
	if s.lock, err = lockFolder(opts.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.device, err = loadDevice(opts.Dir, d); err != nil {
		return nil, err
	}
	s.findReserve()
	if err := s.roomToOpen(); err != nil {
		return nil, err
	}
	if s.db, err = openBadger(filepath.Join(opts.Dir, recordsName), opts); err != nil {
		return nil, err
	}
	if err := s.loadEpoch(); err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	if err := s.count(); err != nil {
		return nil, fmt.Errorf("count store: %w", err)
	}
	if err := s.finishArrivals(); err != nil {
		return nil, fmt.Errorf("finish pictures: %w", err)
	}
	s.makeFree()
	return s, nil
}

// loadEpoch reads the store's epoch; an empty store gets a new one, and shelves
// the pictures that it finds.
func (s *Store) loadEpoch() error {
	var version, epoch []byte
	err := s.db.View(func(txn *badger.Txn) (err error) {
		if version, err = get(txn, metaKey(metaFormat)); err != nil {
			return err
		}
		epoch, err = get(txn, metaKey(metaEpoch))
		return err
	})
	if err != nil {
		return err
	}
	if len(epoch) > 0 {
		if len(version) != 1 || version[0] < 1 || version[0] > format {
			return fmt.Errorf("%w: %v, this program knows 1 to %d", ErrFormat, version, format)
		}
		s.epoch = string(epoch)
		if version[0] == format {
			return nil
		}
		// What formats 2 and 3 brought is empty in an older store.
		return s.db.Update(func(txn *badger.Txn) error { return txn.Set(metaKey(metaFormat), []byte{format}) })
	}
	s.epoch = randomID()
	if err := s.adoptPictures(); err != nil {
		return err
	}
	return s.db.Update(func(txn *badger.Txn) error {
		return errors.Join(
			txn.Set(metaKey(metaFormat), []byte{format}),
			txn.Set(metaKey(metaEpoch), []byte(s.epoch)))
	})
}

// count fills the state from what is on disk.
func (s *Store) count() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.View(func(txn *badger.Txn) error {
		seq, err := lastSeq(txn, s.epoch)
		if err != nil {
			return err
		}
		s.state.seq = seq
		bytes, err := getNumber(txn, metaRecordBytes)
		if err != nil {
			return err
		}
		s.state.recordBytes = int64(bytes)
		if err := s.countOutbox(txn); err != nil {
			return err
		}
		s.state.shelf, err = countShelf(txn)
		return err
	})
}

// lastSeq returns the newest record's number, 0 when there is none.
func lastSeq(txn *badger.Txn, epoch string) (uint64, error) {
	prefix := append([]byte{kindRecord}, epoch...)
	o := badger.IteratorOptions{Reverse: true, Prefix: prefix}
	it := txn.NewIterator(o)
	defer it.Close()
	it.Seek(append(numbered(kindRecord, epoch, 1<<64-1), 0))
	if !it.Valid() {
		return 0, nil
	}
	key := it.Item().Key()
	if len(key) != len(prefix)+8 {
		return 0, fmt.Errorf("a record's key of %d bytes is damaged", len(key))
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), nil
}

// Device returns the board's id: made at the first start, 16 hex digits.
func (s *Store) Device() string { return s.device }

// Epoch returns the id of this store: new for each empty one, 16 hex digits.
func (s *Store) Epoch() string { return s.epoch }

// Close ends the Store. Run must have returned; no other call may be under way.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closed)
		s.running.Lock() // until Run has returned
		defer s.running.Unlock()
		if s.db != nil {
			s.closeErr = s.db.Close()
		}
		if s.lock != nil {
			s.closeErr = errors.Join(s.closeErr, s.lock.Close())
		}
	})
	return s.closeErr
}

// change hands a request to Run and waits for its answer. What Run has taken is
// answered soon, so that the caller always knows whether it was stored.
func (s *Store) change(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	select {
	case s.requests <- r:
		return <-r.done
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
}

package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/dgraph-io/badger/v4"
)

// openBadger opens the records' folder with sizes for a small board. Badger
// keeps two skip lists of MemTableMB each in memory beside its caches.
func openBadger(dir string, o Options) (*badger.DB, error) {
	opts := badger.DefaultOptions(dir).
		WithSyncWrites(true).
		WithDetectConflicts(false). // one goroutine writes
		WithMemTableSize(int64(o.MemTableMB) << 20).
		WithNumMemtables(2).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(4).
		WithNumCompactors(2).
		WithBlockCacheSize(int64(o.BlockCacheMB) << 20).
		WithIndexCacheSize(int64(o.IndexCacheMB) << 20). // without one, all of them stay in memory
		WithValueLogFileSize(int64(o.ValueLogMB) << 20).
		// Records stay in the tables, where they are compressed and read in
		// order; a larger value would be settings gone wild.
		WithValueThreshold(64 << 10).
		WithNumGoroutines(1).
		WithMetricsEnabled(false).
		WithLogger(badgerLog{o.Log})
	db, err := badger.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("open records: %w", err)
	}
	return db, nil
}

// badgerLog passes on what may matter; Badger's tales of compaction are for
// debugging.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(f string, a ...any)   { l.log.Error("badger: " + line(f, a)) }
func (l badgerLog) Warningf(f string, a ...any) { l.log.Warn("badger: " + line(f, a)) }
func (l badgerLog) Infof(f string, a ...any)    { l.log.Debug("badger: " + line(f, a)) }
func (l badgerLog) Debugf(string, ...any)       {}

func line(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}

// get returns a copy of a value, nil when there is none.
func get(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// getNumber returns a number under kindMeta, 0 when there is none.
func getNumber(txn *badger.Txn, name string) (uint64, error) {
	b, err := get(txn, metaKey(name))
	if err != nil || b == nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("%s of %d bytes is damaged", name, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

// getJSON decodes a value into v and reports whether there was one.
func getJSON(txn *badger.Txn, key []byte, v any) (bool, error) {
	data, err := get(txn, key)
	if err != nil || data == nil {
		return false, err
	}
	return true, decodeValue(data, v)
}

func setJSON(txn *badger.Txn, key []byte, v any) error {
	data, err := encodeValue(v)
	if err != nil {
		return err
	}
	return txn.Set(key, data)
}

func encodeValue(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append([]byte{valueVersion}, data...), nil
}

func decodeValue(data []byte, v any) error {
	if len(data) == 0 || data[0] != valueVersion {
		return fmt.Errorf("%w: a value that starts with % x", ErrFormat, data[:min(1, len(data))])
	}
	return json.Unmarshal(data[1:], v)
}

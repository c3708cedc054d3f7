package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"modernc.org/sqlite"
)

// ErrDamaged is wrapped by errors about a database whose file is not what was
// written: it was cut short, replaced or overwritten.
var ErrDamaged = errors.New("the database's file is damaged: restore a backup")

// What SQLite says of such a file.
const (
	sqliteCorrupt = 11
	sqliteNoDB    = 26
)

// damaged adds ErrDamaged to what SQLite says of a damaged file.
func damaged(err error) error {
	var said *sqlite.Error
	if errors.As(err, &said) && (said.Code()&0xff == sqliteCorrupt || said.Code()&0xff == sqliteNoDB) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// whole looks whether the file of a SQLite database is there and has not become
// shorter: no statement of ours makes it so. SQLite itself notices only when it
// reads what is gone.
func (d *DB) whole() error {
	if d.kind != SQLite {
		return nil
	}
	info, err := os.Stat(d.dsn)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return err
	}
	for size := info.Size(); ; {
		largest := d.largest.Load()
		if size < largest {
			return fmt.Errorf("%w: it had %d bytes and has %d", ErrDamaged, largest, size)
		}
		if d.largest.CompareAndSwap(largest, size) {
			return nil
		}
	}
}

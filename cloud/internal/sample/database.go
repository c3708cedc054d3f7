package sample

import (
	"context"

	"github.com/uptrace/bun"
)

// Database is where rows are kept; *db.DB is one. Tx runs do in a transaction
// that no other one writes beside; it may run do again.
type Database interface {
	Read() bun.IDB
	Write() bun.IDB
	Tx(ctx context.Context, do func(ctx context.Context, tx bun.Tx) error) error
}

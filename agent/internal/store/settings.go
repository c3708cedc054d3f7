package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// maxSettings is far above what the page can make.
const maxSettings = 60 << 10

// LoadSettings returns what SaveSettings kept, nil before the first time.
func (s *Store) LoadSettings(ctx context.Context) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var data []byte
	err := s.db.View(func(txn *badger.Txn) (err error) {
		data, err = get(txn, metaKey(metaSettings))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	return data, nil
}

// SaveSettings keeps settings; they are on disk when it returns.
func (s *Store) SaveSettings(ctx context.Context, data json.RawMessage) error {
	if len(data) > maxSettings {
		return fmt.Errorf("save settings: %d bytes, at most %d", len(data), maxSettings)
	}
	err := s.change(ctx, &request{edit: func(b *batch) error {
		return b.txn.Set(metaKey(metaSettings), data)
	}})
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

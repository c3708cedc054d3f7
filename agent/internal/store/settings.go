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
	return s.load(ctx, metaSettings)
}

// SaveSettings keeps settings; they are on disk when it returns.
func (s *Store) SaveSettings(ctx context.Context, data json.RawMessage) error {
	return s.save(ctx, metaSettings, data)
}

// LoadLink returns what SaveLink kept, nil before the first time.
func (s *Store) LoadLink(ctx context.Context) (json.RawMessage, error) {
	return s.load(ctx, metaLink)
}

// SaveLink keeps what the link to the hub must know after a restart; it is on
// disk when it returns.
func (s *Store) SaveLink(ctx context.Context, data json.RawMessage) error {
	return s.save(ctx, metaLink, data)
}

func (s *Store) load(ctx context.Context, name string) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var data []byte
	err := s.db.View(func(txn *badger.Txn) (err error) {
		data, err = get(txn, metaKey(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return data, nil
}

func (s *Store) save(ctx context.Context, name string, data json.RawMessage) error {
	if len(data) > maxSettings {
		return fmt.Errorf("save %s: %d bytes, at most %d", name, len(data), maxSettings)
	}
	err := s.change(ctx, &request{edit: func(b *batch) error {
		return b.txn.Set(metaKey(name), data)
	}})
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

package trust

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/internal/keyring"
)

// Kind says by what an admin let a model run without a gate's record.
type Kind string

// Kinds of overrides.
const (
	Promoted Kind = "champion" // it was made the champion
	Rolled   Kind = "rollout"  // a rollout of it was started
)

// Override is an admin's decision that a model may run on boards. It is signed
// when it is made and never changes.
type Override struct {
	ID        string
	Kind      Kind
	Who       string
	At        time.Time
	Reason    string
	Version   int64
	Bundle    string
	Champion  int64 // the version that was the champion then, 0 = none
	signature string
}

// body is what is signed, keys in the order of their names.
type body struct {
	At       int64  `json:"at"` // microseconds since 1970
	Bundle   string `json:"bundle"`
	Champion int64  `json:"champion"`
	Kind     Kind   `json:"kind"`
	Reason   string `json:"reason"`
	Version  int64  `json:"version"`
	Who      string `json:"who"`
}

type overrideRow struct {
	bun.BaseModel `bun:"table:model_override"`

	ID        string `bun:"id,pk"` // SHA-256 of the body
	Bundle    string `bun:"bundle"`
	Micros    int64  `bun:"at"`
	Body      string `bun:"body"`
	Signature string `bun:"signature"`
}

// Overrides keeps them. It is Evidence for the Signer, which believes signatures
// and not the database.
type Overrides struct {
	db  *db.DB
	key keyring.Key
}

// OpenOverrides reads the key that signs overrides, or makes it.
func OpenOverrides(d *db.DB, keys string) (*Overrides, error) {
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return nil, fmt.Errorf("open overrides: %w", err)
	}
	key, err := readKey(filepath.Join(keys, overrideKeyName))
	if err != nil {
		return nil, fmt.Errorf("open overrides: %w", err)
	}
	return &Overrides{d, key}, nil
}

// Record signs an override and keeps it within a transaction of the caller.
func (o *Overrides) Record(ctx context.Context, tx bun.IDB, one Override) (Override, error) {
	text, err := json.Marshal(body{
		At: db.Micros(one.At), Bundle: one.Bundle, Champion: one.Champion, Kind: one.Kind, Reason: one.Reason, Version: one.Version, Who: one.Who,
	})
	if err != nil {
		return one, fmt.Errorf("record override: %w", err)
	}
	sum := sha256.Sum256(text)
	one.ID = hex.EncodeToString(sum[:])
	one.signature = base64.StdEncoding.EncodeToString(o.key.Sign(text))
	row := overrideRow{ID: one.ID, Bundle: one.Bundle, Micros: db.Micros(one.At), Body: string(text), Signature: one.signature}
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (id) DO NOTHING").Exec(ctx); err != nil {
		return one, fmt.Errorf("record override: %w", err)
	}
	return one, nil
}

// Grant implements Evidence: the newest override of a model that bears its
// signature.
func (o *Overrides) Grant(ctx context.Context, bundle string) (Grant, error) {
	list, err := o.Of(ctx, bundle)
	if err != nil {
		return Grant{}, err
	}
	if len(list) == 0 {
		return Grant{}, ErrNoGrant
	}
	return Grant{ID: list[0].ID, Bundle: list[0].Bundle, Version: list[0].Version}, nil
}

// Of returns the overrides of a model that bear their signature, the newest
// first.
func (o *Overrides) Of(ctx context.Context, bundle string) ([]Override, error) {
	var rows []overrideRow
	err := o.db.Read().NewSelect().Model(&rows).Where("bundle = ?", bundle).Order("at DESC", "id").Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	var list []Override
	for _, row := range rows {
		if one, ok := row.check(o.key.Public()); ok && one.Bundle == bundle {
			list = append(list, one)
		}
	}
	return list, nil
}

// check reads a row whose signature holds.
func (r *overrideRow) check(public ed25519.PublicKey) (Override, bool) {
	sig, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil || !keyring.Verify(public, []byte(r.Body), sig) {
		return Override{}, false
	}
	var b body
	if json.Unmarshal([]byte(r.Body), &b) != nil {
		return Override{}, false
	}
	return Override{
		ID: r.ID, Kind: b.Kind, Who: b.Who, At: db.Time(b.At), Reason: b.Reason, Version: b.Version, Bundle: b.Bundle,
		Champion: b.Champion, signature: r.Signature,
	}, true
}

package fleet

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// Errors of Join and Renew; whatever else they return is the hub's fault.
var (
	ErrSecret  = errors.New("the join token is unknown, used up, revoked or out of date")
	ErrAlready = errors.New("this board has joined before with another key")
	ErrRevoked = errors.New("this board may no longer connect to this hub")
)

// Join lets a board in. A board that is a member already may come with a new
// key when the token allows it, or when it never came after joining with the
// same token: then the answer got lost.
func (f *Fleet) Join(ctx context.Context, r wire.JoinRequest) (wire.JoinAnswer, error) {
	request, err := authority.ReadRequest(r.CSR, r.Device)
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("join: %w", err)
	}
	leaf, err := f.authority.Board(request)
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("join: %w", err)
	}
	var b Board
	err = f.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		token, err := useToken(ctx, tx, r.Secret, f.config.Now())
		if err != nil {
			return err
		}
		b, err = f.enter(ctx, tx, r, token, leaf)
		return err
	})
	if errors.Is(err, ErrAlready) || errors.Is(err, ErrRevoked) { // its token was good: somebody should decide
		err = errors.Join(err, Note(ctx, f.db.Write(), f.config.Now(), r.Device, wantsIn, ""))
	}
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("join: %w", err)
	}
	f.admit(b.Device, b.KeyHash)
	return f.answer(b, leaf), nil
}

// enter writes a board that joins.
func (f *Fleet) enter(ctx context.Context, tx bun.Tx, r wire.JoinRequest, token Token, leaf authority.Leaf) (Board, error) {
	b, err := find(ctx, tx, r.Device)
	fresh := errors.Is(err, ErrNotFound)
	if err != nil && !fresh {
		return b, err
	}
	lostAnswer := b.State == Active && b.Seen < b.Joined && b.Token == token.ID
	if !fresh && b.State != Removed && b.KeyHash != leaf.KeyHash && !token.Rejoin && !lostAnswer {
		return b, ErrAlready
	}
	if b.State == Revoked && !token.Rejoin {
		return b, ErrRevoked
	}
	now := f.config.Now()
	if fresh {
		b = Board{Device: r.Device, Name: r.Name}
		if b.Name == "" {
			b.Name = r.Device
		}
	}
	b.State, b.Site, b.Token, b.Joined, b.Successor = Active, token.Site, token.ID, db.Micros(now), ""
	b.KeyHash, b.Serial, b.Until, b.Agent, b.Contract = leaf.KeyHash, leaf.Serial, db.Micros(leaf.Until), r.Version, int64(r.Contract)
	if err := ensureSite(ctx, tx, b.Site, now); err != nil {
		return b, err
	}
	what := "joined"
	if fresh {
		_, err = tx.NewInsert().Model(&b).Exec(ctx)
	} else {
		what = "rejoined"
		_, err = tx.NewUpdate().Model(&b).WherePK().Exec(ctx)
	}
	if err != nil {
		return b, err
	}
	return b, Note(ctx, tx, now, b.Device, what, b.Site)
}

// Renew gives a board a new certificate for the key that it has. The TLS
// handshake proved that key; the certificate may have ended long ago.
func (f *Fleet) Renew(ctx context.Context, had *x509.Certificate, r wire.JoinRequest) (wire.JoinAnswer, error) {
	if err := f.authority.Past(had); err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("renew: %w: %w", ErrRevoked, err)
	}
	device, key := had.Subject.CommonName, authority.KeyHash(had.RawSubjectPublicKeyInfo)
	if err := f.Admit(device, key); err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("renew: %w: %w", ErrRevoked, err)
	}
	request, err := authority.ReadRequest(r.CSR, device)
	if err == nil && (request.KeyHash != key || r.Device != device) {
		err = fmt.Errorf("%w: not for the key and the board of the certificate", authority.ErrRequest)
	}
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("renew: %w", err)
	}
	leaf, err := f.authority.Board(request)
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("renew: %w", err)
	}
	var b Board
	err = f.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*Board)(nil)).Set("serial = ?", leaf.Serial).Set("cert_until = ?", db.Micros(leaf.Until)).Set("agent = ?", r.Version).
			Where("device = ?", device).Where("state = ?", Active).Where("key_hash = ?", key).Exec(ctx)
		if err != nil {
			return err
		}
		b, err = find(ctx, tx, device)
		return err
	})
	switch {
	case err != nil:
		return wire.JoinAnswer{}, fmt.Errorf("renew: %w", err)
	case b.Serial != leaf.Serial: // revoked since it was admitted
		return wire.JoinAnswer{}, fmt.Errorf("renew: %w", ErrRevoked)
	}
	return f.answer(b, leaf), nil
}

func (f *Fleet) answer(b Board, leaf authority.Leaf) wire.JoinAnswer {
	return wire.JoinAnswer{
		Contract: wire.Contract, Certificate: string(leaf.PEM), CA: string(f.authority.PEM()),
		Broker: f.config.Broker(), Site: b.Site, Name: b.Name, Hub: f.config.Version, Root: f.root(),
	}
}

// root is the root of trust that a board pins.
func (f *Fleet) root() string {
	if f.config.Root == nil {
		return ""
	}
	return f.config.Root()
}

// none reports whether err says that no row was found.
func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }

package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	qrcode "github.com/skip2/go-qrcode"
	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/people"
	"gourdian/internal/wire"
)

// Limits of a token.
const (
	maxUses  = 10_000
	maxValid = 366 * 24 * time.Hour
	maxName  = 80 // bytes of a name for people
)

// ErrToken says that a token can't be made as asked for.
var ErrToken = fmt.Errorf("a token has 1 to %d uses and is valid for at most a year", maxUses)

// Token is a join token as the hub keeps it: without its secret.
type Token struct {
	bun.BaseModel `bun:"table:join_token,alias:t"`

	ID      string `bun:"id,pk"`
	Secret  string `bun:"secret"` // its hash
	Site    string `bun:"site"`
	Note    string `bun:"note"`
	Rejoin  bool   `bun:"rejoin"` // it also lets boards in that have joined before, or were revoked
	Uses    int64  `bun:"uses"`
	Used    int64  `bun:"used"`
	Created int64  `bun:"created_at"`
	By      string `bun:"created_by"`
	Expires int64  `bun:"expires_at"`
	Revoked int64  `bun:"revoked_at"` // 0 = not
}

// ExpiresAt is when the token ends.
func (t Token) ExpiresAt() time.Time { return db.Time(t.Expires) }

// CreatedAt is when it was made.
func (t Token) CreatedAt() time.Time { return db.Time(t.Created) }

// Open reports whether it still lets somebody in.
func (t Token) Open(now time.Time) bool {
	return t.Revoked == 0 && t.Used < t.Uses && now.Before(t.ExpiresAt())
}

// TokenRequest says what a token is for.
type TokenRequest struct {
	Site   string
	Note   string
	Uses   int
	Valid  time.Duration
	Rejoin bool
}

// NewToken makes a token. Its text is shown once: the hub keeps a hash.
func (f *Fleet) NewToken(ctx context.Context, who string, r TokenRequest) (Token, string, error) {
	site, err := cleanName(r.Site)
	if err != nil {
		return Token{}, "", fmt.Errorf("make a token: site: %w", err)
	}
	if r.Uses < 1 || r.Uses > maxUses || r.Valid <= 0 || r.Valid > maxValid {
		return Token{}, "", fmt.Errorf("make a token: %w", ErrToken)
	}
	now := f.config.Now()
	secret, id := rand.Text(), strings.ToLower(rand.Text()[:12])
	t := Token{
		ID: id, Secret: hashSecret(secret), Site: site, Note: wire.Text(r.Note, maxName), Rejoin: r.Rejoin,
		Uses: int64(r.Uses), Created: db.Micros(now), By: who, Expires: db.Micros(now.Add(r.Valid)),
	}
	err = f.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := ensureSite(ctx, tx, site, now); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&t).Exec(ctx); err != nil {
			return err
		}
		return people.WriteIn(ctx, tx, who, "token.create", t.ID, fmt.Sprintf("site %s, %d uses, until %s, rejoin %v", site, r.Uses, t.ExpiresAt().Format(time.DateTime), r.Rejoin))
	})
	if err != nil {
		return Token{}, "", fmt.Errorf("make a token: %w", err)
	}
	text := wire.Token{Hub: f.config.Hub(), Site: site, CA: f.authority.Hash(), Secret: secret}.String()
	return t, text, nil
}

// QR draws a token's text: the dark fields of a square of size fields a side,
// as the path of an SVG. A page can show that without another request, which
// would have to carry the secret.
func QR(text string) (path string, size int, err error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", 0, fmt.Errorf("draw a token: %w", err)
	}
	var drawn strings.Builder
	rows := code.Bitmap()
	for y, row := range rows {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&drawn, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return drawn.String(), len(rows), nil
}

// Tokens returns all tokens, the newest first.
func (f *Fleet) Tokens(ctx context.Context) ([]Token, error) {
	var tokens []Token
	if err := f.db.Read().NewSelect().Model(&tokens).Order("created_at DESC", "id").Limit(500).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return tokens, nil
}

// RevokeToken ends a token. Boards that joined with it stay.
func (f *Fleet) RevokeToken(ctx context.Context, who, id string) error {
	err := f.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewUpdate().Model((*Token)(nil)).Set("revoked_at = ?", db.Micros(f.config.Now())).
			Where("id = ?", id).Where("revoked_at = 0").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return people.WriteIn(ctx, tx, who, "token.revoke", id, "")
	})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// useToken takes one use of the token with a secret.
func useToken(ctx context.Context, tx bun.Tx, secret string, now time.Time) (Token, error) {
	var t Token
	err := tx.NewSelect().Model(&t).Where("secret = ?", hashSecret(secret)).Scan(ctx)
	if none(err) || err == nil && !t.Open(now) {
		return t, ErrSecret
	}
	if err != nil {
		return t, err
	}
	_, err = tx.NewUpdate().Model((*Token)(nil)).Set("used = used + 1").Where("id = ?", t.ID).Exec(ctx)
	return t, err
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// ensureSite makes a site known.
func ensureSite(ctx context.Context, tx bun.IDB, name string, now time.Time) error {
	_, err := tx.NewRaw("INSERT INTO site (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, db.Micros(now)).Exec(ctx)
	return err
}

// cleanName makes a name for people of what was typed.
func cleanName(typed string) (string, error) {
	name := strings.Join(strings.Fields(typed), " ")
	if name == "" || len(name) > maxName || wire.Text(name, maxName) != name {
		return "", ErrName
	}
	return name, nil
}

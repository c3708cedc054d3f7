package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// TokenPrefix makes an API token recognisable wherever it is pasted.
const TokenPrefix = "gdn_"

const maxTokens = 20 // of one person

// Errors of tokens.
var (
	ErrTokenName = errors.New("a token needs a name of at most 60 characters")
	ErrTokens    = fmt.Errorf("a person has at most %d tokens: revoke one first", maxTokens)
)

// Token lets a program do what its person may.
type Token struct {
	bun.BaseModel `bun:"table:api_token"`

	ID      string `bun:"id,pk"`
	Person  string `bun:"person"`
	Name    string `bun:"name"`
	Secret  string `bun:"secret"` // hash
	Created int64  `bun:"created_at"`
	Used    int64  `bun:"used_at"`
}

// CreatedAt is when it was made.
func (t Token) CreatedAt() time.Time { return db.Time(t.Created) }

// UsedAt is when it was last used, to the minute; zero = never.
func (t Token) UsedAt() time.Time { return db.Time(t.Used) }

// NewToken makes a token and returns it as a program sends it: it is shown once.
func (p *People) NewToken(ctx context.Context, owner Person, name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 60 {
		return "", ErrTokenName
	}
	secret := TokenPrefix + newSecret()
	err := p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Model((*Token)(nil)).Where("person = ?", owner.ID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return ErrTokens
		}
		row := Token{ID: newID(), Person: owner.ID, Name: name, Secret: hashSecret(secret), Created: db.Micros(time.Now())}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return WriteIn(ctx, tx, owner.Name, "api_token.add", owner.Name, name)
	})
	if err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	return secret, nil
}

// Tokens returns a person's tokens, newest first.
func (p *People) Tokens(ctx context.Context, person string) ([]Token, error) {
	var all []Token
	if err := p.db.Read().NewSelect().Model(&all).Where("person = ?", person).Order("created_at DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return all, nil
}

// RevokeToken ends a token of a person at once.
func (p *People) RevokeToken(ctx context.Context, owner Person, id string) error {
	err := p.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var row Token
		err := tx.NewSelect().Model(&row).Where("id = ?", id).Where("person = ?", owner.ID).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx); err != nil {
			return err
		}
		return WriteIn(ctx, tx, owner.Name, "api_token.revoke", owner.Name, row.Name)
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// ByToken returns the person whose token a program sends, or ErrNotFound.
func (p *People) ByToken(ctx context.Context, secret string) (Person, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return Person{}, ErrNotFound
	}
	var row Token
	err := p.db.Read().NewSelect().Model(&row).Where("secret = ?", hashSecret(secret)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNotFound
	}
	if err != nil {
		return Person{}, fmt.Errorf("read token: %w", err)
	}
	if now := time.Now(); now.Sub(row.UsedAt()) > seenEvery {
		row.Used = db.Micros(now)
		_, _ = p.db.Write().NewUpdate().Model(&row).WherePK().Column("used_at").Exec(ctx) // as with Visit
	}
	one, err := p.Get(ctx, row.Person)
	if err == nil && one.Disabled {
		return Person{}, ErrNotFound
	}
	return one, err
}

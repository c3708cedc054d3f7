package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// Sessions outlive a restart of the hub: they lie in the database, under the
// hash of their token.
const (
	sessionLife  = 7 * 24 * time.Hour
	cleanEvery   = time.Hour
	keyPerson    = "person"
	keyStamp     = "stamp"
	keyFlash     = "flash"
	cookieName   = "gourdian_hub"
	maxFlashText = 500
)

// Sessions knows who sits at a browser.
type Sessions struct {
	people  *People
	manager *scs.SessionManager
}

// NewSessions returns the sessions in d.
func NewSessions(d *db.DB, p *People) *Sessions {
	// Not scs.New: it starts a goroutine for a store in memory, which is never
	// used and can't be stopped.
	m := &scs.SessionManager{
		Lifetime: sessionLife, Store: sessionStore{d}, HashTokenInStore: true, Codec: scs.GobCodec{},
		Cookie: scs.SessionCookie{
			Name: cookieName, Path: "/", HttpOnly: true, Persist: true,
			SameSite: http.SameSiteLaxMode, // a link in a mail keeps its reader logged in
		},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			// Only the database fails here, which the health page says.
			w.Header().Del("Content-Encoding") // of the page that this is in place of
			http.Error(w, "The hub's database does not answer.", http.StatusServiceUnavailable)
		},
	}
	return &Sessions{people: p, manager: m}
}

// Wrap makes the session of each request known to next and keeps what changed.
// It is for the encrypted listener where secure, whose cookie no other gets.
func (s *Sessions) Wrap(next http.Handler, secure bool) http.Handler {
	m := *s.manager
	m.Cookie.Secure = secure
	return m.LoadAndSave(next)
}

// LogIn begins a session of a person in place of the one before.
func (s *Sessions) LogIn(ctx context.Context, p Person) error {
	if err := s.manager.RenewToken(ctx); err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	s.manager.Put(ctx, keyPerson, p.ID)
	s.manager.Put(ctx, keyStamp, p.Stamp())
	return nil
}

// LogOut ends the session.
func (s *Sessions) LogOut(ctx context.Context) error {
	if err := s.manager.Destroy(ctx); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Who returns the person of the session, or ErrNotFound: nobody logged in, or
// one who was disabled or changed the password since.
func (s *Sessions) Who(ctx context.Context) (Person, error) {
	id := s.manager.GetString(ctx, keyPerson)
	if id == "" {
		return Person{}, ErrNotFound
	}
	one, err := s.people.Get(ctx, id)
	if err != nil {
		return Person{}, err
	}
	if one.Disabled || one.Stamp() != s.manager.GetString(ctx, keyStamp) {
		return Person{}, ErrNotFound
	}
	s.people.Visit(ctx, one)
	return one, nil
}

// Flash keeps a sentence for the next page that this browser asks for.
func (s *Sessions) Flash(ctx context.Context, text string) {
	if len(text) <= maxFlashText {
		s.manager.Put(ctx, keyFlash, text)
	}
}

// TakeFlash returns the sentence and forgets it; "" = none.
func (s *Sessions) TakeFlash(ctx context.Context) string { return s.manager.PopString(ctx, keyFlash) }

// Run deletes old sessions until ctx is done.
func (s *Sessions) Run(ctx context.Context) error {
	ticker := time.NewTicker(cleanEvery)
	defer ticker.Stop()
	for {
		if err := s.clean(ctx); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Sessions) clean(ctx context.Context) error {
	now := db.Micros(time.Now())
	for _, old := range []any{(*sessionRow)(nil), (*invite)(nil)} {
		if _, err := s.people.db.Write().NewDelete().Model(old).Where("expires_at < ?", now).Exec(ctx); err != nil {
			return fmt.Errorf("delete old sessions: %w", err)
		}
	}
	return nil
}

type sessionRow struct {
	bun.BaseModel `bun:"table:session"`

	Token   string `bun:"token,pk"`
	Data    []byte `bun:"data"`
	Expires int64  `bun:"expires_at"`
}

// sessionStore is where scs keeps sessions.
type sessionStore struct{ db *db.DB }

// FindCtx returns a session that is not over.
func (s sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	var row sessionRow
	err = s.db.Read().NewSelect().Model(&row).Where("token = ?", token).Where("expires_at > ?", db.Micros(time.Now())).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read session: %w", err)
	}
	return row.Data, true, nil
}

// CommitCtx keeps a session. One that is there already and can't be written anew
// stays as it was: a sentence is shown twice, and the page that says why the
// database takes nothing can be read.
func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	row := sessionRow{Token: token, Data: data, Expires: db.Micros(expiry)}
	_, err := s.db.Write().NewInsert().Model(&row).On("CONFLICT (token) DO UPDATE").Set("data = EXCLUDED.data").Set("expires_at = EXCLUDED.expires_at").Exec(ctx)
	if err == nil {
		return nil
	}
	if _, found, findErr := s.FindCtx(ctx, token); findErr == nil && found {
		return nil
	}
	return fmt.Errorf("keep session: %w", err)
}

// DeleteCtx forgets a session.
func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.db.Write().NewDelete().Model((*sessionRow)(nil)).Where("token = ?", token).Exec(ctx); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// Find, Commit and Delete are asked for by scs where it has no context.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx.
func (s sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx.
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

package people

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// maxDetail bounds the detail of a line in bytes.
const maxDetail = 2000

// Entry is one line of the audit log.
type Entry struct {
	bun.BaseModel `bun:"table:audit"`

	Seq     int64  `bun:"seq,pk,autoincrement"`
	Micros  int64  `bun:"at"`
	Who     string `bun:"who"`    // name of the person, or "hub"
	Action  string `bun:"action"` // "person.add", "board.rename"
	Subject string `bun:"subject"`
	Detail  string `bun:"detail"`
}

// At is when it happened.
func (e Entry) At() time.Time { return db.Time(e.Micros) }

// Audit is the log of changes. Lines are never changed or deleted.
type Audit struct{ db *db.DB }

// NewAudit returns the log in d.
func NewAudit(d *db.DB) *Audit { return &Audit{d} }

// Write adds a line: who did what to what.
func (a *Audit) Write(ctx context.Context, who, action, subject, detail string) error {
	return WriteIn(ctx, a.db.Write(), who, action, subject, detail)
}

// WriteIn adds a line within a transaction, so that change and line are kept
// together or not at all.
func WriteIn(ctx context.Context, tx bun.IDB, who, action, subject, detail string) error {
	for len(detail) > maxDetail {
		_, size := utf8.DecodeLastRuneInString(detail)
		detail = detail[:len(detail)-max(size, len(detail)-maxDetail-3)]
	}
	line := Entry{Micros: db.Micros(time.Now()), Who: who, Action: action, Subject: subject, Detail: detail}
	if _, err := tx.NewInsert().Model(&line).Exec(ctx); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// Did returns up to limit lines of one action since a moment, newest first.
func (a *Audit) Did(ctx context.Context, action string, since time.Time, limit int64) ([]Entry, error) {
	var lines []Entry
	err := a.db.Read().NewSelect().Model(&lines).Where("action = ? AND at > ?", action, db.Micros(since)).Order("seq DESC").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return lines, nil
}

// List returns up to limit lines below the number before (0 = the newest),
// newest first. A subject other than "" picks its lines alone.
func (a *Audit) List(ctx context.Context, before int64, subject string, limit int64) ([]Entry, error) {
	var lines []Entry
	q := a.db.Read().NewSelect().Model(&lines).Order("seq DESC").Limit(limit)
	if before > 0 {
		q.Where("seq < ?", before)
	}
	if subject != "" {
		q.Where("subject = ?", subject)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return lines, nil
}

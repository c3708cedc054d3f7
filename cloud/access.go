package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/people"
)

// ResetPassword returns a one-time link with which a person chooses a new
// password: the way back in for whoever may read the hub's data. The hub may
// run meanwhile.
func ResetPassword(ctx context.Context, config Config, name string, log *slog.Logger) (link string, err error) {
	d, err := db.Open(ctx, db.Options{DSN: config.DSN(), BackupDir: filepath.Join(config.Data, backupsName), Log: log})
	if err != nil {
		return "", fmt.Errorf("reset password: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p, err := people.New(ctx, d)
	if err != nil {
		return "", fmt.Errorf("reset password: %w", err)
	}
	one, err := p.ByName(ctx, name)
	if errors.Is(err, people.ErrNotFound) {
		return "", fmt.Errorf("reset password: there is no person called %q", name)
	}
	secret := ""
	if err == nil {
		secret, err = p.Reset(ctx, "the hub's machine", one.ID)
	}
	if err != nil {
		return "", fmt.Errorf("reset password: %w", err)
	}
	if one.Disabled {
		log.Warn("this person is disabled and stays so: an admin enables people on the page People")
	}
	return config.address() + people.LinkPath + secret, nil
}

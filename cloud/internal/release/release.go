// Package release lets boards have versions of the registry: it turns an admin's
// decision into a signed override, has the version signed, and gives its pieces
// out. Every champion is released by itself.
package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/deliver"
	"gourdian/cloud/internal/registry"
	"gourdian/cloud/internal/trust"
)

// Config is what a Release needs.
type Config struct {
	DB        *db.DB
	Registry  *registry.Registry
	Overrides *trust.Overrides
	Repo      *trust.Repo
	Library   *deliver.Library
	Now       func() time.Time
	Log       *slog.Logger
}

// Release is safe for concurrent use.
type Release struct{ config Config }

// New returns a Release.
func New(c Config) *Release { return &Release{c} }

// Moved makes a signed override of a move of the champion, which is an admin's
// decision with a reason. It is the registry's hook.
func (r *Release) Moved(ctx context.Context, tx bun.Tx, m registry.Move, v registry.Version) error {
	_, err := r.config.Overrides.Record(ctx, tx, trust.Override{
		Kind: trust.Promoted, Who: m.By, At: m.At, Reason: m.Reason, Version: v.Number, Bundle: v.Bundle, Champion: m.From,
	})
	return err
}

// Release lets boards take a version. Where nothing lets it run yet, the reason
// of who becomes a signed override; with nobody, it is refused.
func (r *Release) Release(ctx context.Context, v registry.Version, who, reason string) error {
	if err := r.release(ctx, v, who, reason); err != nil {
		return fmt.Errorf("release model version %d: %w", v.Number, err)
	}
	return nil
}

func (r *Release) release(ctx context.Context, v registry.Version, who, reason string) error {
	_, err := r.config.Overrides.Grant(ctx, v.Bundle)
	if errors.Is(err, trust.ErrNoGrant) && who != "" {
		err = r.override(ctx, v, who, reason)
	}
	if err != nil {
		return err
	}
	listing, err := r.config.Library.Add(ctx, v.Bundle, v.Blob)
	if err != nil {
		return err
	}
	return r.config.Repo.Add(ctx, trust.Release{
		Version: v.Number, Name: v.Facts.Name, Bundle: v.Bundle, ManifestBytes: listing.ManifestBytes, Index: listing.Sum, IndexBytes: listing.Bytes,
	})
}

func (r *Release) override(ctx context.Context, v registry.Version, who, reason string) error {
	now, err := r.config.Registry.Alias(ctx)
	if err != nil {
		return err
	}
	one := trust.Override{Kind: trust.Rolled, Who: who, At: r.config.Now(), Reason: reason, Version: v.Number, Bundle: v.Bundle, Champion: now.Number}
	_, err = r.config.Overrides.Record(ctx, r.config.DB.Write(), one)
	return err
}

// Signed reports whether boards may take a bundle.
func (r *Release) Signed(bundle string) bool { return r.config.Repo.Signed(bundle) }

// Run releases every champion, and gives out the pieces of what was signed
// before the hub started.
func (r *Release) Run(ctx context.Context) error {
	if err := r.again(ctx); err != nil {
		return err
	}
	for {
		changed := r.config.Registry.Changed()
		if err := r.champion(ctx); err != nil && ctx.Err() == nil {
			r.config.Log.Warn("boards can't have the champion", "error", err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *Release) again(ctx context.Context) error {
	versions, err := r.config.Registry.Versions(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.Deleted || !r.Signed(v.Bundle) {
			continue
		}
		if _, err := r.config.Library.Add(ctx, v.Bundle, v.Blob); err != nil {
			r.config.Log.Error("boards can't have a signed model", "version", v.Number, "error", err)
		}
	}
	return nil
}

func (r *Release) champion(ctx context.Context) error {
	now, err := r.config.Registry.Alias(ctx)
	if err != nil || now.Number == 0 {
		return err
	}
	v, err := r.config.Registry.Version(ctx, now.Number)
	if err != nil {
		return err
	}
	return r.Release(ctx, v, "", "")
}

package trust

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"gourdian/internal/keyring"
)

// Grant is why a model may run on boards.
type Grant struct {
	ID      string // of the gate's record, or of the override
	Bundle  string
	Version int64
}

// Evidence finds grants. Whatever it returns it has checked. Grant returns
// ErrNoGrant where there is none; any other error means that it could not look.
type Evidence interface {
	Grant(ctx context.Context, bundle string) (Grant, error)
}

// ErrNoGrant: nothing says that a model may run on boards.
var ErrNoGrant = errors.New("neither a gate nor an admin's override says that this model may run on boards")

// Release is a model that boards shall be able to take.
type Release struct {
	Version       int64
	Name          string
	Bundle        string // id: SHA-256 of the manifest
	ManifestBytes int64
	Index         string // SHA-256 of the list of its pieces
	IndexBytes    int64
}

// custom is what a target says beside hash and length.
type custom struct {
	Version    int64  `json:"version"`
	Name       string `json:"name"`
	Index      string `json:"index"`
	IndexBytes int64  `json:"index_bytes"`
	Gate       string `json:"gate"`
}

// PathOf is the target of a model.
func PathOf(bundle string) string { return "models/" + bundle + "/manifest.json" }

// targetsLife is how long a list of models holds.
const targetsLife = 365 * 24 * time.Hour

// Signer signs which models boards may run.
type Signer struct {
	evidence Evidence
	now      func() time.Time
}

// NewSigner returns a signer that asks evidence.
func NewSigner(evidence Evidence, now func() time.Time) *Signer {
	return &Signer{evidence: evidence, now: now}
}

type targets = metadata.Metadata[metadata.TargetsType]

// Sign returns the list of models after before (nil = there was none) with
// another one (nil = the same again), signed by key. Models of before for which
// there is no grant any more are left out.
func (s *Signer) Sign(ctx context.Context, key keyring.Key, before *targets, add *Release) (*targets, error) {
	next := metadata.Targets(expiry(s.now(), targetsLife))
	last := int64(0)
	if before != nil {
		last = before.Signed.Version
		for path, target := range before.Signed.Targets {
			next.Signed.Targets[path] = target
		}
	}
	next.Signed.Version = nextVersion(last, s.now())
	if add != nil {
		target, err := targetOf(*add)
		if err != nil {
			return nil, fmt.Errorf("sign models: %w", err)
		}
		next.Signed.Targets[PathOf(add.Bundle)] = target
	}
	for path, target := range next.Signed.Targets {
		bundle := hex.EncodeToString(target.Hashes["sha256"])
		grant, err := s.evidence.Grant(ctx, bundle)
		ours := add != nil && path == PathOf(add.Bundle)
		switch {
		case errors.Is(err, ErrNoGrant) && !ours, err == nil && grant.Bundle != bundle && !ours:
			delete(next.Signed.Targets, path)
			continue
		case err != nil:
			return nil, fmt.Errorf("sign models: %w", err)
		case grant.Bundle != bundle || ours && grant.Version != add.Version:
			return nil, fmt.Errorf("sign models: %w", ErrNoGrant)
		}
		if ours {
			if err := cite(target, *add, grant); err != nil {
				return nil, fmt.Errorf("sign models: %w", err)
			}
		}
	}
	if err := signBy(next, key); err != nil {
		return nil, fmt.Errorf("sign models: %w", err)
	}
	return next, nil
}

func targetOf(r Release) (*metadata.TargetFiles, error) {
	hash, err := hex.DecodeString(r.Bundle)
	if err != nil || len(hash) != 32 {
		return nil, fmt.Errorf("%.80q is no bundle id", r.Bundle)
	}
	t := metadata.TargetFile()
	t.Length, t.Hashes["sha256"] = r.ManifestBytes, hash
	return t, nil
}

// cite writes into a target what the model is and why it may run.
func cite(t *metadata.TargetFiles, r Release, g Grant) error {
	data, err := json.Marshal(custom{Version: r.Version, Name: r.Name, Index: r.Index, IndexBytes: r.IndexBytes, Gate: g.ID})
	if err != nil {
		return err
	}
	raw := json.RawMessage(data)
	t.Custom = &raw
	return nil
}

func signBy[T metadata.Roles](m *metadata.Metadata[T], key keyring.Key) error {
	signer, err := key.Signer()
	if err != nil {
		return err
	}
	m.ClearSignatures()
	_, err = m.Sign(signer)
	return err
}

// expiry is the end of something that begins now.
func expiry(now time.Time, life time.Duration) time.Time {
	return now.Add(life).UTC().Truncate(time.Second)
}

// nextVersion is above the last one and not below the clock's seconds.
func nextVersion(last int64, now time.Time) int64 { return max(last+1, now.Unix()) }

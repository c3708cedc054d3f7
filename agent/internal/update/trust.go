package update

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"gourdian/internal/durable"
	"gourdian/internal/wire"
)

// Limits of signed lists in bytes, and of how many roots may follow in a row.
const (
	maxTimestamp = 16 << 10
	maxList      = 4 << 20
	maxRoots     = 256
)

// rootName is the root that is believed now.
const rootName = "root.json"

// errNoRoot: the board has not been told whom to believe.
var errNoRoot = errors.New("no root of trust came from the hub yet")

// trust keeps the signed lists of one hub and finds models in them.
type trust struct {
	dir   string
	clock *clock
	get   func(ctx context.Context, name string, most int64) ([]byte, error)
}

// target is what the lists say of a model.
type target struct {
	Version    int64  `json:"version"`
	Name       string `json:"name"`
	Index      string `json:"index"`
	IndexBytes int64  `json:"index_bytes"`
	Gate       string `json:"gate"`

	manifestBytes int64
}

// pin believes a root where there is none yet. Afterwards, only what the root
// itself signs replaces it.
func (t *trust) pin(text string) error {
	if text == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(t.dir, rootName)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := trustedmetadata.New([]byte(text)); err != nil {
		return fmt.Errorf("pin the root of trust: %w", err)
	}
	if err := os.MkdirAll(t.dir, 0o750); err != nil {
		return fmt.Errorf("pin the root of trust: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(t.dir, rootName), []byte(text), private); err != nil {
		return fmt.Errorf("pin the root of trust: %w", err)
	}
	return nil
}

// find brings the lists up to date by the rules of TUF and returns what they say
// of a model. It is a refusal where they can't be believed, or name no such one.
func (t *trust) find(ctx context.Context, id string) (target, error) {
	root, err := os.ReadFile(filepath.Join(t.dir, rootName))
	if errors.Is(err, fs.ErrNotExist) {
		return target{}, errNoRoot
	}
	if err != nil {
		return target{}, err
	}
	set, err := trustedmetadata.New(root)
	if err != nil {
		return target{}, ofTrust(fmt.Errorf("read the root of trust: %w", err))
	}
	set.RefTime = t.clock.reference()
	for _, step := range []func(context.Context, *trustedmetadata.TrustedMetadata) error{t.roots, t.timestamp, t.snapshot, t.targets} {
		if err := step(ctx, set); err != nil {
			return target{}, ofTrust(err)
		}
	}
	return one(set, id)
}

// one finds a model in the list.
func one(set *trustedmetadata.TrustedMetadata, id string) (out target, err error) {
	file := set.Targets[metadata.TARGETS].Signed.Targets["models/"+id+"/manifest.json"]
	if file == nil || hex.EncodeToString(file.Hashes["sha256"]) != id || file.Custom == nil {
		return out, refuse(wire.StepSignature, errors.New("the signed list does not name this model"))
	}
	if err := json.Unmarshal(*file.Custom, &out); err != nil {
		return out, refuse(wire.StepSignature, fmt.Errorf("the signed list: %w", err))
	}
	out.manifestBytes = file.Length
	return out, nil
}

// roots follows the root from one to the next, also over years.
func (t *trust) roots(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	for range maxRoots {
		data, err := t.get(ctx, strconv.FormatInt(set.Root.Signed.Version+1, 10)+"."+rootName, wire.MaxRoot)
		if errors.Is(err, errMissing) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ask for the next root: %w", err)
		}
		if _, err := set.UpdateRoot(data); err != nil {
			return fmt.Errorf("the next root: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(t.dir, rootName), data, private); err != nil {
			return fmt.Errorf("keep the root: %w", err)
		}
	}
	return nil
}

// timestamp takes the newest timestamp. The one that is known guards against an
// older one.
func (t *trust) timestamp(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	if err := t.recall("timestamp.json", func(data []byte) error { _, err := set.UpdateTimestamp(data); return err }); err != nil {
		return err
	}
	data, err := t.get(ctx, "timestamp.json", maxTimestamp)
	if err != nil {
		return fmt.Errorf("ask for the timestamp: %w", err)
	}
	_, err = set.UpdateTimestamp(data)
	if same := (&metadata.ErrEqualVersionNumber{}); errors.As(err, &same) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	t.clock.proved(signedAt(&set.Timestamp.Signed))
	return t.keep("timestamp.json", data)
}

// signedAt is when a timestamp was signed at the earliest: the hub numbers them
// by the second. A number that is no time proves nothing.
func signedAt(s *metadata.TimestampType) time.Time {
	at := time.Unix(s.Version, 0)
	if at.After(s.Expires) {
		return time.Time{}
	}
	return at
}

// snapshot takes the snapshot that the timestamp names.
func (t *trust) snapshot(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	err := t.recall("snapshot.json", func(data []byte) error { _, err := set.UpdateSnapshot(data, true); return err })
	if err != nil {
		return err
	}
	named := set.Timestamp.Signed.Meta["snapshot.json"]
	if named == nil {
		return &metadata.ErrRepository{Msg: "the timestamp names no snapshot"}
	}
	if set.Snapshot != nil && set.Snapshot.Signed.Version == named.Version && !set.Snapshot.Signed.IsExpired(set.RefTime) {
		return nil
	}
	data, err := t.get(ctx, strconv.FormatInt(named.Version, 10)+".snapshot.json", maxList)
	if err != nil {
		return fmt.Errorf("ask for the snapshot: %w", err)
	}
	if _, err := set.UpdateSnapshot(data, false); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return t.keep("snapshot.json", data)
}

// targets takes the list of models that the snapshot names.
func (t *trust) targets(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	err := t.recall("targets.json", func(data []byte) error { _, err := set.UpdateTargets(data); return err })
	if err != nil {
		return err
	}
	if set.Targets[metadata.TARGETS] != nil {
		return nil
	}
	named := set.Snapshot.Signed.Meta["targets.json"]
	if named == nil {
		return &metadata.ErrRepository{Msg: "the snapshot names no list of models"}
	}
	data, err := t.get(ctx, strconv.FormatInt(named.Version, 10)+".targets.json", maxList)
	if err != nil {
		return fmt.Errorf("ask for the list of models: %w", err)
	}
	if _, err := set.UpdateTargets(data); err != nil {
		return fmt.Errorf("list of models: %w", err)
	}
	return t.keep("targets.json", data)
}

// recall reads what is known of a list. One that is not there, or can't be
// believed any more, is no fault: another one comes.
func (t *trust) recall(name string, believe func([]byte) error) error {
	data, err := os.ReadFile(filepath.Join(t.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := believe(data); err != nil && !errors.Is(err, &metadata.ErrRepository{}) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (t *trust) keep(name string, data []byte) error {
	if err := durable.WriteFile(filepath.Join(t.dir, name), data, private); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

package trust

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"gourdian/internal/keyring"
)

// Lives of what is signed online. A board that is shown nothing newer notices
// when the timestamp has ended: that bounds how long it can be held back.
const (
	timestampLife = 3 * 24 * time.Hour
	snapshotLife  = 30 * 24 * time.Hour
	renewEvery    = time.Hour // pause between two looks at what ends
)

// Config is what a Repo needs.
type Config struct {
	Dir      string // of published metadata
	Keys     string // folder of key files
	Evidence Evidence
	Now      func() time.Time
	Log      *slog.Logger
}

// Repo publishes metadata. It is safe for concurrent use.
type Repo struct {
	config Config
	files  folder
	signer *Signer

	mu        sync.RWMutex // guards what follows, and the order of files
	root      keyring.Root
	keys      map[keyring.Role]keyring.Key
	targets   *targets
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	fault     error // why nothing can be signed
}

// Open reads what is published, or makes keys and a first root, completes what
// a crash left, and publishes anew. A repo that can't sign is returned all the
// same: what was published is served, and Health says why. Open fails only
// where not even a root can be had.
func Open(ctx context.Context, c Config) (*Repo, error) {
	r := &Repo{config: c, files: folder(c.Dir), signer: NewSigner(c.Evidence, c.Now)}
	for _, dir := range []string{c.Dir, c.Keys} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open trust: %w", err)
		}
	}
	if err := r.openRoot(); err != nil {
		return nil, fmt.Errorf("open trust: %w", err)
	}
	if err := r.restart(ctx); err != nil {
		r.note(err)
	}
	return r, nil
}

// openRoot finds the newest root that its predecessors vouch for.
func (r *Repo) openRoot() error {
	data, err := r.files.read(nameOf(keyring.RootRole, 1))
	if errors.Is(err, ErrUnknown) {
		root, err := makeRoot(r.config.Keys, r.config.Now())
		if err != nil {
			return err
		}
		if data, err = root.Bytes(); err != nil {
			return err
		}
		if err := r.files.write(nameOf(keyring.RootRole, 1), data); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if r.root, err = keyring.ParseRoot(data); err != nil {
		return err
	}
	if err := r.root.Check(); err != nil {
		return err
	}
	for {
		data, err := r.files.read(nameOf(keyring.RootRole, r.root.Version()+1))
		if errors.Is(err, ErrUnknown) {
			return nil
		}
		if err != nil {
			return err
		}
		next, err := keyring.ParseRoot(data)
		if err == nil {
			err = next.Follows(r.root)
		}
		if err != nil {
			return err
		}
		r.root = next
	}
}

// restart reads keys and metadata, and publishes all of it anew.
func (r *Repo) restart(ctx context.Context) error {
	keys, err := onlineKeys(r.config.Keys, r.root)
	if err != nil {
		return err
	}
	r.keys = keys
	r.load()
	if r.targets, err = r.signer.Sign(ctx, keys[keyring.TargetsRole], r.targets, nil); err != nil {
		return err
	}
	return r.publish(true)
}

// load reads the newest of each role's files that the root vouches for. A
// newer list of models than the snapshot names was signed before a crash: it
// counts.
func (r *Repo) load() {
	r.targets = newest(r, keyring.TargetsRole, metadata.Targets)
	r.snapshot = newest(r, keyring.SnapshotRole, metadata.Snapshot)
	if data, err := r.files.read(timestampName); err == nil {
		if m, err := metadata.Timestamp().FromBytes(data); err == nil {
			r.timestamp = m
		}
	}
}

// newest also takes what an earlier root's keys signed: its content was granted
// then, and is signed anew at once. What no root vouches for is passed over.
func newest[T metadata.Roles](r *Repo, role keyring.Role, empty func(...time.Time) *metadata.Metadata[T]) *metadata.Metadata[T] {
	list, err := r.files.versions(role)
	if err != nil {
		return nil
	}
	for _, n := range list {
		data, err := r.files.read(nameOf(role, n))
		if err != nil {
			continue
		}
		m, err := empty().FromBytes(data)
		if err == nil && r.everVouched(role, m) {
			return m
		}
		r.config.Log.Warn("published metadata is damaged, an older one is taken", "file", nameOf(role, n))
	}
	return nil
}

// everVouched reports whether this root or one before it stands for metadata.
func (r *Repo) everVouched(role keyring.Role, meta any) bool {
	for n := r.root.Version(); n >= 1; n-- {
		data, err := r.files.read(nameOf(keyring.RootRole, n))
		if err != nil {
			return false
		}
		root, err := keyring.ParseRoot(data)
		if err == nil && root.Vouches(role, meta) == nil {
			return true
		}
	}
	return false
}

// publish writes targets where they are new, and a snapshot and a timestamp
// that name them.
func (r *Repo) publish(fresh bool) error {
	now := r.config.Now()
	if fresh {
		data, err := r.targets.ToBytes(false)
		if err != nil {
			return err
		}
		if err := r.files.write(nameOf(keyring.TargetsRole, r.targets.Signed.Version), data); err != nil {
			return err
		}
	}
	snapshot := metadata.Snapshot(expiry(now, snapshotLife))
	snapshot.Signed.Version = nextVersion(versionOf(r.snapshot), now)
	snapshot.Signed.Meta["targets.json"] = metadata.MetaFile(r.targets.Signed.Version)
	if err := signBy(snapshot, r.keys[keyring.SnapshotRole]); err != nil {
		return err
	}
	data, err := snapshot.ToBytes(false)
	if err != nil {
		return err
	}
	if err := r.files.write(nameOf(keyring.SnapshotRole, snapshot.Signed.Version), data); err != nil {
		return err
	}
	r.snapshot = snapshot
	return r.stamp()
}

func versionOf(m *metadata.Metadata[metadata.SnapshotType]) int64 {
	if m == nil {
		return 0
	}
	return m.Signed.Version
}

// stamp says that what is published is the newest.
func (r *Repo) stamp() error {
	now := r.config.Now()
	last := int64(0)
	if r.timestamp != nil {
		last = r.timestamp.Signed.Version
	}
	stamp := metadata.Timestamp(expiry(now, timestampLife))
	stamp.Signed.Version = nextVersion(last, now)
	stamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(r.snapshot.Signed.Version)
	if err := signBy(stamp, r.keys[keyring.TimestampRole]); err != nil {
		return err
	}
	data, err := stamp.ToBytes(false)
	if err != nil {
		return err
	}
	if err := r.files.write(timestampName, data); err != nil {
		return err
	}
	r.timestamp = stamp
	return r.files.prune()
}

// Add lets boards take a model, if the Signer finds why they may.
func (r *Repo) Add(ctx context.Context, release Release) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		return fmt.Errorf("release model: %w", r.fault)
	}
	if r.has(release) {
		return nil
	}
	next, err := r.signer.Sign(ctx, r.keys[keyring.TargetsRole], r.targets, &release)
	if err != nil {
		return fmt.Errorf("release model: %w", err)
	}
	before := r.targets
	r.targets = next
	if err := r.publish(true); err != nil {
		r.targets, r.fault = before, err
		return fmt.Errorf("release model: %w", err)
	}
	r.fault = nil
	r.config.Log.Info("a model is signed for boards", "version", release.Version, "bundle", release.Bundle)
	return nil
}

func (r *Repo) has(release Release) bool {
	target, ok := r.targets.Signed.Targets[PathOf(release.Bundle)]
	return ok && target.Custom != nil && target.Length == release.ManifestBytes
}

// Signed reports whether boards may take a model.
func (r *Repo) Signed(bundle string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.targets == nil {
		return false
	}
	_, ok := r.targets.Signed.Targets[PathOf(bundle)]
	return ok
}

// Metadata returns a published file; ErrUnknown where there is none.
func (r *Repo) Metadata(name string) ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.files.read(name)
}

// Root is the newest root.
func (r *Repo) Root() keyring.Root {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.root
}

// RootText is the newest root as boards pin it.
func (r *Repo) RootText() string {
	data, err := r.Root().Bytes()
	if err != nil {
		return "" // it was read from such bytes
	}
	return string(data)
}

// Rotate takes the next root, which a person has signed. The keys that it names
// for the hub must lie in the folder of keys.
func (r *Repo) Rotate(ctx context.Context, data []byte) error {
	next, err := keyring.ParseRoot(data)
	if err != nil {
		return fmt.Errorf("rotate root: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := next.Follows(r.root); err != nil {
		return fmt.Errorf("rotate root: %w", err)
	}
	if _, err := onlineKeys(r.config.Keys, next); err != nil {
		return fmt.Errorf("rotate root: %w", err)
	}
	if err := r.files.write(nameOf(keyring.RootRole, next.Version()), data); err != nil {
		return fmt.Errorf("rotate root: %w", err)
	}
	r.root = next
	if err := r.restart(ctx); err != nil {
		r.fault = err
		return fmt.Errorf("rotate root: %w", err)
	}
	r.fault = nil
	r.config.Log.Info("a new root counts", "version", next.Version())
	return nil
}

// Run renews what is about to end, until ctx is done.
func (r *Repo) Run(ctx context.Context) error {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := r.Renew(ctx); err != nil && ctx.Err() == nil {
				r.config.Log.Error("what boards believe can't be renewed", "error", err)
			}
		}
	}
}

// Renew signs again what has used up a third of its life.
func (r *Repo) Renew(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.renew(ctx)
	r.fault = err
	if err != nil {
		return fmt.Errorf("renew metadata: %w", err)
	}
	return nil
}

func (r *Repo) renew(ctx context.Context) error {
	old := func(expires time.Time, life time.Duration) bool { return expires.Sub(r.config.Now()) < life*2/3 }
	switch {
	case r.keys == nil || r.targets == nil || r.snapshot == nil || r.timestamp == nil:
		return r.restart(ctx) // perhaps a person brought back what was missing
	case old(r.targets.Signed.Expires, targetsLife):
		next, err := r.signer.Sign(ctx, r.keys[keyring.TargetsRole], r.targets, nil)
		if err != nil {
			return err
		}
		r.targets = next
		return r.publish(true)
	case old(r.snapshot.Signed.Expires, snapshotLife):
		return r.publish(false)
	case old(r.timestamp.Signed.Expires, timestampLife):
		return r.stamp()
	}
	return nil
}

func (r *Repo) note(err error) {
	r.fault = err
	r.config.Log.Error("models can't be signed for boards", "error", err)
}

// State is how trust stands.
type State struct {
	Fault       error     // why nothing can be signed, nil = it can
	RootEnds    time.Time // of the newest root
	RootKeyHere bool      // the root key lies in the hub's folder
	RootKey     string    // its path
	Root        int64     // number of the newest root
	Models      int       // that boards may take
}

// State tells it.
func (r *Repo) State() State {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := State{
		Fault: r.fault, RootEnds: r.root.Expires(), RootKeyHere: rootKeyHere(r.config.Keys),
		RootKey: filepath.Join(r.config.Keys, rootKeyName), Root: r.root.Version(),
	}
	if r.targets != nil {
		s.Models = len(r.targets.Signed.Targets)
	}
	return s
}

package keyring

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Role is who may sign what.
type Role string

// Roles of TUF.
const (
	RootRole      Role = metadata.ROOT      // names all keys; kept away from the hub
	TargetsRole   Role = metadata.TARGETS   // which models boards may run
	SnapshotRole  Role = metadata.SNAPSHOT  // which lists belong together
	TimestampRole Role = metadata.TIMESTAMP // that this is the newest
)

// Roles lists all of them.
func Roles() []Role { return []Role{RootRole, TargetsRole, SnapshotRole, TimestampRole} }

// Online are the roles whose keys a hub holds.
func Online() []Role { return []Role{TargetsRole, SnapshotRole, TimestampRole} }

const (
	// RootLife is how long a root holds. Who keeps it offline must bring it out
	// again before its end, so it is long.
	RootLife = 5 * 365 * 24 * time.Hour
	// MaxRoot bounds a root in bytes.
	MaxRoot = 32 << 10
)

// ErrRoot is wrapped by whatever is wrong with a root.
var ErrRoot = errors.New("this root can't be trusted")

// Root is root metadata: the keys of all roles. It does not change; what makes
// another one returns it.
type Root struct {
	meta *metadata.Metadata[metadata.RootType]
}

// NewRoot returns the first root of a hub, without signatures.
func NewRoot(keys map[Role]ed25519.PublicKey, expires time.Time) (Root, error) {
	r := Root{metadata.Root(expires.UTC().Truncate(time.Second))}
	for _, role := range Roles() {
		if err := r.hold(role, keys[role]); err != nil {
			return Root{}, err
		}
	}
	return r, nil
}

// hold makes a key the only one of a role.
func (r Root) hold(role Role, public ed25519.PublicKey) error {
	if len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: no key for %s", ErrRoot, role)
	}
	key, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRoot, err)
	}
	of, ok := r.meta.Signed.Roles[string(role)]
	if !ok {
		return fmt.Errorf("%w: it has no role %q", ErrRoot, role)
	}
	for _, id := range slices.Clone(of.KeyIDs) {
		if err := r.meta.Signed.RevokeKey(id, string(role)); err != nil {
			return fmt.Errorf("%w: %w", ErrRoot, err)
		}
	}
	if err := r.meta.Signed.AddKey(key, string(role)); err != nil {
		return fmt.Errorf("%w: %w", ErrRoot, err)
	}
	return nil
}

// ParseRoot reads a root. Whether it is signed is for Check and Follows.
func ParseRoot(data []byte) (Root, error) {
	if len(data) > MaxRoot {
		return Root{}, fmt.Errorf("%w: %d bytes, at most %d", ErrRoot, len(data), MaxRoot)
	}
	meta, err := metadata.Root().FromBytes(data)
	if err != nil {
		return Root{}, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	r := Root{meta}
	for _, role := range Roles() {
		of := meta.Signed.Roles[string(role)]
		if of == nil || of.Threshold < 1 || len(of.KeyIDs) < of.Threshold {
			return Root{}, fmt.Errorf("%w: the role %s has too few keys", ErrRoot, role)
		}
	}
	return r, nil
}

// Version counts roots; the next one of a hub has the next number.
func (r Root) Version() int64 { return r.meta.Signed.Version }

// Expires is when the root ends.
func (r Root) Expires() time.Time { return r.meta.Signed.Expires }

// Keys names the keys of a role.
func (r Root) Keys(role Role) []string { return slices.Clone(r.meta.Signed.Roles[string(role)].KeyIDs) }

// Signers names the keys that say to have signed.
func (r Root) Signers() []string {
	var ids []string
	for _, s := range r.meta.Signatures {
		ids = append(ids, s.KeyID)
	}
	return ids
}

// Holds reports whether a key is one of a role.
func (r Root) Holds(role Role, id string) bool { return slices.Contains(r.Keys(role), id) }

// Bytes is the root as files and messages have it.
func (r Root) Bytes() ([]byte, error) {
	data, err := r.meta.ToBytes(false)
	if err != nil {
		return nil, fmt.Errorf("write root: %w", err)
	}
	return data, nil
}

// Sign returns the root with the signature of one more key.
func (r Root) Sign(k Key) (Root, error) {
	next, err := r.copy()
	if err != nil {
		return Root{}, err
	}
	next.meta.Signatures = slices.DeleteFunc(next.meta.Signatures, func(s metadata.Signature) bool { return s.KeyID == k.ID() })
	signer, err := k.Signer()
	if err != nil {
		return Root{}, err
	}
	if _, err := next.meta.Sign(signer); err != nil {
		return Root{}, fmt.Errorf("sign root: %w", err)
	}
	return next, nil
}

// Next returns the root after this one, in which a role has another key; it
// bears no signatures. With no key the roles stay: it only lives longer.
func (r Root) Next(role Role, public ed25519.PublicKey, expires time.Time) (Root, error) {
	next, err := r.copy()
	if err != nil {
		return Root{}, err
	}
	next.meta.ClearSignatures()
	next.meta.Signed.Version++
	next.meta.Signed.Expires = expires.UTC().Truncate(time.Second)
	if public == nil {
		return next, nil
	}
	return next, next.hold(role, public)
}

// Check says whether the root vouches for itself.
func (r Root) Check() error {
	if err := r.meta.VerifyDelegate(metadata.ROOT, r.meta); err != nil {
		return fmt.Errorf("%w: its own keys have not signed it: %w", ErrRoot, err)
	}
	return nil
}

// Follows says whether the root may take the place of another one: the next
// number, signed by the keys of both.
func (r Root) Follows(before Root) error {
	if r.Version() != before.Version()+1 {
		return fmt.Errorf("%w: it has number %d, the next one is %d", ErrRoot, r.Version(), before.Version()+1)
	}
	if err := before.meta.VerifyDelegate(metadata.ROOT, r.meta); err != nil {
		return fmt.Errorf("%w: the keys of the root before it have not signed it: %w", ErrRoot, err)
	}
	return r.Check()
}

// Vouches says whether the keys of a role have signed metadata of go-tuf.
func (r Root) Vouches(role Role, meta any) error {
	if err := r.meta.VerifyDelegate(string(role), meta); err != nil {
		return fmt.Errorf("%w: %w", ErrRoot, err)
	}
	return nil
}

func (r Root) copy() (Root, error) {
	data, err := r.Bytes()
	if err != nil {
		return Root{}, err
	}
	return ParseRoot(data)
}

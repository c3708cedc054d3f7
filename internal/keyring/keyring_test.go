package keyring

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func newKey(t *testing.T) Key {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// first is a signed root with the keys of its roles.
func first(t *testing.T) (Root, map[Role]Key) {
	t.Helper()
	keys, public := map[Role]Key{}, map[Role]ed25519.PublicKey{}
	for _, role := range Roles() {
		keys[role] = newKey(t)
		public[role] = keys[role].Public()
	}
	r, err := NewRoot(public, time.Now().Add(RootLife))
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, r, keys[RootRole]), keys
}

func signed(t *testing.T, r Root, by ...Key) Root {
	t.Helper()
	for _, k := range by {
		var err error
		if r, err = r.Sign(k); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func next(t *testing.T, r Root, role Role, k Key) Root {
	t.Helper()
	n, err := r.Next(role, k.Public(), time.Now().Add(RootLife))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKeyFileIsReadByItsOwnerAlone(t *testing.T) {
	t.Parallel()
	k, path := newKey(t), filepath.Join(t.TempDir(), "root.key")
	if err := k.Write(path, ""); err != nil {
		t.Fatal(err)
	}
	if err := newKey(t).Write(path, ""); err == nil {
		t.Error("a key was replaced")
	}
	got, err := Read(path, nil)
	if err != nil || got.ID() != k.ID() {
		t.Fatalf("%v, %v", got.ID(), err)
	}
	if !Verify(k.Public(), []byte("m"), got.Sign([]byte("m"))) || Verify(k.Public(), []byte("n"), got.Sign([]byte("m"))) {
		t.Error("its signatures are worth nothing")
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, nil); !errors.Is(err, ErrOpen) {
		t.Errorf("a key that the group may read: %v", err)
	}
}

func TestSealedKeyOpensByItsPassphraseAlone(t *testing.T) {
	t.Parallel()
	k, path := newKey(t), filepath.Join(t.TempDir(), "root.key")
	if err := k.Write(path, "nine orange pumpkins"); err != nil {
		t.Fatal(err)
	}
	say := func(words string) func() (string, error) { return func() (string, error) { return words, nil } }
	if got, err := Read(path, say("nine orange pumpkins")); err != nil || got.ID() != k.ID() {
		t.Errorf("the right passphrase: %v", err)
	}
	if _, err := Read(path, say("nine orange pumpkin")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a wrong one: %v", err)
	}
	if _, err := Read(path, nil); !errors.Is(err, ErrKey) {
		t.Errorf("nobody to ask: %v", err)
	}
	if sealed, err := Sealed(path); err != nil || !sealed {
		t.Errorf("sealed %v, %v", sealed, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[bytes.LastIndex(data, []byte("\n-----END"))-4] ^= 2 // still a letter of base64
	damaged := filepath.Join(t.TempDir(), "damaged.key")
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(damaged, say("nine orange pumpkins")); !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrKey) {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestRootIsFollowedByTheNextOneOfItsKeysAlone(t *testing.T) {
	t.Parallel()
	r, keys := first(t)
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	other, fresh := newKey(t), newKey(t)
	rotated := next(t, r, TargetsRole, fresh)
	for name, tc := range map[string]struct {
		root Root
		ok   bool
	}{
		"signed by the root key": {signed(t, rotated, keys[RootRole]), true},
		"not signed":             {rotated, false},
		"signed by a stranger":   {signed(t, rotated, other), false},
		"by the targets key":     {signed(t, rotated, keys[TargetsRole]), false},
		"a number left out":      {signed(t, next(t, rotated, SnapshotRole, newKey(t)), keys[RootRole]), false},
		"the same again":         {r, false},
	} {
		if err := tc.root.Follows(r); (err == nil) != tc.ok || err != nil && !errors.Is(err, ErrRoot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rotated.Holds(TargetsRole, keys[TargetsRole].ID()) || !rotated.Holds(TargetsRole, fresh.ID()) {
		t.Error("the old targets key still counts")
	}
}

func TestRootKeyIsRotatedByOldAndNewTogether(t *testing.T) {
	t.Parallel()
	r, keys := first(t)
	fresh := newKey(t)
	rotated := next(t, r, RootRole, fresh)
	for name, tc := range map[string]struct {
		by []Key
		ok bool
	}{
		"old and new":  {[]Key{keys[RootRole], fresh}, true},
		"the old only": {[]Key{keys[RootRole]}, false},
		"the new only": {[]Key{fresh}, false},
	} {
		if err := signed(t, rotated, tc.by...).Follows(r); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseRoot(f *testing.F) {
	f.Add([]byte(`{"signed":{"_type":"root"},"signatures":[]}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRoot(data)
		if err != nil {
			if !errors.Is(err, ErrRoot) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, role := range Roles() {
			if len(r.Keys(role)) == 0 {
				t.Errorf("%s has no key", role)
			}
		}
		_ = r.Check()
	})
}

package trust

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gourdian/internal/keyring"
)

// TestCrashBetweenFilesIsCompletedByTheNextStart: whatever was written before a
// crash, boards see the old list until the next start and the new one after it.
func TestCrashBetweenFilesIsCompletedByTheNextStart(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"targets only", "targets and snapshot", "half a file"} {
		t.Run(left, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a, b := r.model(t, "a", 1), r.model(t, "b", 2)
			r.add(t, a)
			before := r.published(t)
			r.clock.forward(time.Second)
			r.add(t, b)
			after := r.published(t)
			// What a crash before the timestamp leaves.
			write := func(name string, data []byte) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(r.dir, "trust", name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write(timestampName, before[timestampName])
			if left != "targets and snapshot" {
				if err := os.Remove(filepath.Join(r.dir, "trust", nameOf(keyring.SnapshotRole, r.snapshot.Signed.Version))); err != nil {
					t.Fatal(err)
				}
			}
			name, want := nameOf(keyring.TargetsRole, r.targets.Signed.Version), b.Bundle
			if left == "half a file" {
				write(name, after[name][:100])
				want = a.Bundle
			}
			one := r.board(t)
			one.accepts(t, "before the next start", r.published(t), a.Bundle)
			r.clock.forward(time.Second)
			r.open(t)
			if err := r.State().Fault; err != nil {
				t.Fatal(err)
			}
			one.accepts(t, "after it", r.published(t), want)
		})
	}
}

// TestEachKeyIsRotated: boards that pinned the first root follow.
func TestEachKeyIsRotated(t *testing.T) {
	t.Parallel()
	for _, role := range keyring.Roles() {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a, b := r.model(t, "a", 1), r.model(t, "b", 2)
			r.add(t, a)
			one := r.board(t)
			one.accepts(t, "before", r.published(t), a.Bundle)
			keys := filepath.Join(r.dir, "keys")
			rootKey, err := keyring.Read(filepath.Join(keys, rootKeyName), nil)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := keyring.New()
			if err != nil {
				t.Fatal(err)
			}
			next, err := r.Root().Next(role, fresh.Public(), time.Now().Add(keyring.RootLife))
			if err != nil {
				t.Fatal(err)
			}
			signers := []keyring.Key{rootKey}
			if role == keyring.RootRole {
				signers = append(signers, fresh)
			}
			unsigned, err := next.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Rotate(t.Context(), unsigned); !errors.Is(err, keyring.ErrRoot) {
				t.Errorf("a root that nobody signed: %v", err)
			}
			for _, k := range signers {
				if next, err = next.Sign(k); err != nil {
					t.Fatal(err)
				}
			}
			data, err := next.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if role != keyring.RootRole {
				if err := r.Rotate(t.Context(), data); !errors.Is(err, ErrKeys) {
					t.Errorf("the hub has not got the new key: %v", err)
				}
				if err := fresh.Write(filepath.Join(keys, "next.key"), ""); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Rotate(t.Context(), data); err != nil {
				t.Fatal(err)
			}
			r.add(t, b)
			one.accepts(t, "after", r.published(t), b.Bundle)
			one.accepts(t, "what was there before", r.published(t), a.Bundle)
			r.open(t)
			one.accepts(t, "after a restart", r.published(t), b.Bundle)
			if r.Root().Version() != 2 {
				t.Errorf("root %d", r.Root().Version())
			}
		})
	}
}

func TestRootKeyMayBeAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if !r.State().RootKeyHere {
		t.Error("nobody is told that the root key lies on the hub")
	}
	if err := os.Remove(filepath.Join(r.dir, "keys", rootKeyName)); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	a := r.model(t, "a", 1)
	r.add(t, a)
	if s := r.State(); s.RootKeyHere || s.Fault != nil || s.Models != 1 {
		t.Errorf("%+v", s)
	}
	r.board(t).accepts(t, "without the root key", r.published(t), a.Bundle)
}

// TestLostKeyDegradesSigningAlone: what was published is served, and a person
// who brings the key back is noticed.
func TestLostKeyDegradesSigningAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.model(t, "a", 1)
	r.add(t, a)
	path := filepath.Join(r.dir, "keys", "targets.key")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	if err := r.State().Fault; !errors.Is(err, ErrKeys) {
		t.Errorf("%v", err)
	}
	if err := r.Add(t.Context(), r.model(t, "b", 2)); !errors.Is(err, ErrKeys) {
		t.Errorf("%v", err)
	}
	r.board(t).accepts(t, "what was published", r.published(t), a.Bundle)
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(t.Context()); err != nil || r.State().Fault != nil {
		t.Errorf("%v", err)
	}
	r.add(t, r.model(t, "b", 2))
}

func TestEverythingIsRenewedLongBeforeItEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ends := func() [3]time.Time {
		return [3]time.Time{r.targets.Signed.Expires, r.snapshot.Signed.Expires, r.timestamp.Signed.Expires}
	}
	lives := [3]time.Duration{targetsLife, snapshotLife, timestampLife}
	for day := range 800 {
		r.clock.forward(12 * time.Hour)
		if err := r.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, end := range ends() {
			if left := end.Sub(r.clock.now()); left < lives[i]*2/3-12*time.Hour {
				t.Fatalf("half day %d: role %d has %s of %s left", day, i, left, lives[i])
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(r.dir, "trust", "*"))
	if err != nil || len(files) > 2*keptVersions+2 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

// TestKeysMadeByAPersonAreTaken: gourdianctl keys init, then the first start.
func TestKeysMadeByAPersonAreTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, sub := range []string{"keys", "trust"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	public := map[keyring.Role]ed25519.PublicKey{}
	var away keyring.Key
	for _, role := range keyring.Roles() {
		k, err := keyring.New()
		if err != nil {
			t.Fatal(err)
		}
		public[role] = k.Public()
		if role == keyring.RootRole {
			away = k
		} else if err := k.Write(filepath.Join(dir, "keys", string(role)+keyExt), ""); err != nil {
			t.Fatal(err)
		}
	}
	root, err := keyring.NewRoot(public, time.Now().Add(keyring.RootLife))
	if err == nil {
		root, err = root.Sign(away)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := root.Bytes()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "trust", "1.root.json"), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{dir: dir, clock: &clock{at: time.Now()}, grants: &grants{all: map[string]Grant{}}}
	r.open(t)
	if s := r.State(); s.RootKeyHere || s.Fault != nil || r.Root().Keys(keyring.RootRole)[0] != away.ID() {
		t.Errorf("%+v", s)
	}
}

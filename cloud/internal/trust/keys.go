package trust

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gourdian/internal/keyring"
)

// Key files that a hub's first start makes.
const (
	rootKeyName     = "root.key"
	overrideKeyName = "override.key"
	keyExt          = ".key"
)

// ErrKeys: a key is missing that the root names.
var ErrKeys = errors.New("a key is missing")

// readKey reads a key that no passphrase protects, or makes it.
func readKey(path string) (keyring.Key, error) {
	k, err := keyring.Read(path, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = keyring.New(); err == nil {
		err = k.Write(path, "")
	}
	return k, err
}

// makeRoot makes the keys of all roles and the first root. It is the embedded
// default: later the root key is moved elsewhere.
func makeRoot(keys string, now time.Time) (keyring.Root, error) {
	public := map[keyring.Role]ed25519.PublicKey{}
	var rootKey keyring.Key
	for _, role := range keyring.Roles() {
		k, err := readKey(filepath.Join(keys, string(role)+keyExt))
		if err != nil {
			return keyring.Root{}, err
		}
		public[role] = k.Public()
		if role == keyring.RootRole {
			rootKey = k
		}
	}
	root, err := keyring.NewRoot(public, now.Add(keyring.RootLife))
	if err != nil {
		return keyring.Root{}, err
	}
	return root.Sign(rootKey)
}

// onlineKeys finds the keys that a root names for the roles of the hub among
// the files of a folder, whatever their names.
func onlineKeys(dir string, root keyring.Root) (map[keyring.Role]keyring.Key, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+keyExt))
	if err != nil {
		return nil, err
	}
	found := map[keyring.Role]keyring.Key{}
	for _, path := range files {
		if filepath.Base(path) == rootKeyName {
			continue // also where it lies here, it is not for daily use
		}
		if sealed, err := keyring.Sealed(path); err != nil || sealed {
			continue // some other file, or a key that a person keeps
		}
		k, err := keyring.Read(path, nil)
		if err != nil {
			return nil, err
		}
		for _, role := range keyring.Online() {
			if root.Holds(role, k.ID()) {
				found[role] = k
			}
		}
	}
	for _, role := range keyring.Online() {
		if _, ok := found[role]; !ok {
			return nil, fmt.Errorf("%w: %s needs the key %s, which is not in %s", ErrKeys, role, root.Keys(role), dir)
		}
	}
	return found, nil
}

// rootKeyHere reports whether the key that should be away lies in the folder.
func rootKeyHere(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, rootKeyName))
	return err == nil
}

package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"crypto/x509"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"gourdian/internal/durable"
)

// Errors of keys.
var (
	// ErrKey: a file is no key, or not one that can be used.
	ErrKey = errors.New("this is no usable key")
	// ErrPassphrase: the passphrase does not open the key.
	ErrPassphrase = errors.New("the passphrase does not open this key")
	// ErrOpen: others may read a key that no passphrase protects.
	ErrOpen = errors.New("others may read this key: take their rights away (chmod 600)")
)

// Types of PEM blocks.
const (
	plainType  = "PRIVATE KEY" // PKCS #8
	sealedType = "GOURDIAN SEALED KEY"
	maxFile    = 16 << 10 // bytes of a key file
)

// Key signs.
type Key struct{ private ed25519.PrivateKey }

// New makes a key.
func New() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make a key: %w", err)
	}
	return Key{private}, nil
}

// Public is the half that everybody may know.
func (k Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// ID names the key as a root does.
func (k Key) ID() string { return IDOf(k.Public()) }

// IDOf names a public key as a root does.
func IDOf(public ed25519.PublicKey) string {
	key, err := metadata.KeyFromPublicKey(public)
	if err == nil {
		var id string
		if id, err = key.ID(); err == nil {
			return id
		}
	}
	panic(err) // an ed25519 key is one that TUF knows
}

// Sign returns the signature of a message.
func (k Key) Sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

// Verify reports whether a key made the signature of a message.
func Verify(public ed25519.PublicKey, message, sig []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, sig)
}

// Signer signs TUF metadata.
func (k Key) Signer() (signature.Signer, error) {
	s, err := signature.LoadED25519Signer(k.private)
	if err != nil {
		return nil, fmt.Errorf("use a key: %w", err)
	}
	return s, nil
}

// Write puts the key into a new file that only its owner may read; it never
// replaces one. A passphrase seals it, "" = none.
func (k Key) Write(path, passphrase string) (err error) {
	block, err := k.block(passphrase)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	err = pem.Encode(f, block)
	if err = errors.Join(err, f.Sync(), f.Close(), durable.SyncFolder(filepath.Dir(path))); err != nil {
		return fmt.Errorf("write key: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

func (k Key) block(passphrase string) (*pem.Block, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, err
	}
	if passphrase == "" {
		return &pem.Block{Type: plainType, Bytes: der}, nil
	}
	return seal(der, passphrase)
}

// Read reads a key file. ask is called for the passphrase of a sealed one; nil
// refuses sealed ones.
func Read(path string, ask func() (string, error)) (Key, error) {
	k, err := read(path, ask)
	if err != nil {
		return Key{}, fmt.Errorf("read key %s: %w", path, err)
	}
	return k, nil
}

func read(path string, ask func() (string, error)) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return Key{}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Key{}, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return Key{}, ErrKey
	}
	der := block.Bytes
	switch {
	case block.Type == sealedType && ask == nil:
		return Key{}, fmt.Errorf("%w: a passphrase protects it", ErrKey)
	case block.Type == sealedType:
		passphrase, err := ask()
		if err != nil {
			return Key{}, err
		}
		if der, err = unseal(block, passphrase); err != nil {
			return Key{}, err
		}
	case info.Mode().Perm()&0o077 != 0:
		return Key{}, ErrOpen
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("%w: it is no ed25519 key", ErrKey)
	}
	return Key{private}, nil
}

// Sealed reports whether a passphrase protects a key file.
func Sealed(path string) (bool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return false, fmt.Errorf("read key %s: %w", path, ErrKey)
	}
	return block.Type == sealedType, nil
}

package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Cost of trying one passphrase. A root key is opened a few times a year, so it
// may cost half a second and 64 MB.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	lanes   = 2
	keySize = 32
	kdfName = "argon2id,3,65536,2" // the numbers above, in the file for whoever changes them
)

// aad binds what is sealed to what it is.
func aad() []byte { return []byte(sealedType + " " + kdfName) }

func aead(passphrase string, salt []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(argon2.IDKey([]byte(passphrase), salt, passes, memory, lanes, keySize))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func seal(der []byte, passphrase string) (*pem.Block, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	box, err := aead(passphrase, salt)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return &pem.Block{
		Type:    sealedType,
		Headers: map[string]string{"Kdf": kdfName, "Salt": base64.StdEncoding.EncodeToString(salt)},
		Bytes:   box.Seal(nonce, nonce, der, aad()),
	}, nil
}

func unseal(b *pem.Block, passphrase string) ([]byte, error) {
	if b.Headers["Kdf"] != kdfName {
		return nil, fmt.Errorf("%w: sealed by %.40q, this program knows %q", ErrKey, b.Headers["Kdf"], kdfName)
	}
	salt, err := base64.StdEncoding.DecodeString(b.Headers["Salt"])
	if err != nil || len(salt) == 0 {
		return nil, fmt.Errorf("%w: its salt is damaged", ErrKey)
	}
	box, err := aead(passphrase, salt)
	if err != nil {
		return nil, err
	}
	if len(b.Bytes) < box.NonceSize() {
		return nil, fmt.Errorf("%w: it is cut off", ErrKey)
	}
	der, err := box.Open(nil, b.Bytes[:box.NonceSize()], b.Bytes[box.NonceSize():], aad())
	if err != nil {
		return nil, ErrPassphrase
	}
	return der, nil
}

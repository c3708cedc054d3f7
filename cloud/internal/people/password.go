package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost of one password check: OWASP's first choice for argon2id (46 MiB, one
// pass, one lane). At most hashesAtOnce run, so that a flood of logins costs
// time and no memory.
const (
	argonMemory  = 46 * 1024 // KiB
	argonPasses  = 1
	argonLanes   = 1
	argonSalt    = 16
	argonKey     = 32
	maxMemory    = 256 * 1024 // KiB, of a row written by a newer program
	maxPasses    = 8
	hashesAtOnce = 2
	hashTemplate = "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
)

// Limits of a password in characters.
const (
	MinPassword = 10
	MaxPassword = 200
)

// Errors about passwords.
var (
	ErrShortPassword = fmt.Errorf("a password has %d to %d characters", MinPassword, MaxPassword)
	ErrWeakPassword  = errors.New("the password is too easy: it repeats one character or is the name")
	errBadHash       = errors.New("not a password hash")
)

func checkPassword(name, password string) error {
	n := utf8.RuneCountInString(password)
	if n < MinPassword || n > MaxPassword {
		return ErrShortPassword
	}
	first, _ := utf8.DecodeRuneInString(password)
	if strings.EqualFold(name, password) || strings.Trim(password, string(first)) == "" {
		return ErrWeakPassword
	}
	return nil
}

// hasher computes argon2id, a few at a time.
type hasher chan struct{}

func newHasher() hasher { return make(hasher, hashesAtOnce) }

// derive waits for its turn.
func (h hasher) derive(ctx context.Context, password string, salt []byte, passes, memory uint32, lanes uint8, size uint32) ([]byte, error) {
	select {
	case h <- struct{}{}:
		defer func() { <-h }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, size), nil
}

// hash returns what is kept of a password, in the text form of argon2's own
// command line.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	key, err := h.derive(ctx, password, salt, argonPasses, argonMemory, argonLanes, argonKey)
	if err != nil {
		return "", err
	}
	b := base64.RawStdEncoding
	return fmt.Sprintf(hashTemplate, argonMemory, argonPasses, argonLanes, b.EncodeToString(salt), b.EncodeToString(key)), nil
}

// matches compares a password with a hash. Costs beyond what this program would
// ever ask for are refused.
func (h hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 {
		return false, errBadHash
	}
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false, errBadHash
	}
	salt, errS := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	want, errK := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if errS != nil || errK != nil || len(want) != argonKey || passes < 1 || passes > maxPasses || memory > maxMemory || lanes < 1 || lanes > 4 {
		return false, errBadHash
	}
	got, err := h.derive(ctx, password, salt, passes, memory, lanes, argonKey)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// newSecret returns 32 random bytes as a word for addresses and headers.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// newID returns a short random identifier.
func newID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// hashSecret is what is kept of a random secret, which needs no slow hash.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

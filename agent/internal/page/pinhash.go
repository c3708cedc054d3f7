package page

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of one PIN check: OWASP's second choice for argon2id (19 MiB, two
// passes, one lane), about 50 ms on a small board. The delays between attempts
// are what protects a short PIN on the network; this protects the file.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonLanes   = 1
	argonSalt    = 16
	argonKey     = 32
	maxPINFile   = 512       // bytes
	maxMemory    = 64 * 1024 // KiB, of a file written by a newer program
	maxPasses    = 8
	hashTemplate = "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
)

var errBadHash = errors.New("not a PIN file")

// pinHash is what is kept of a PIN, in the text form that argon2's own command
// line and most libraries use.
type pinHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func hashPIN(pin string) pinHash {
	h := pinHash{memory: argonMemory, passes: argonPasses, lanes: argonLanes, salt: make([]byte, argonSalt)}
	_, _ = rand.Read(h.salt) // never fails, see crypto/rand
	h.key = h.derive(pin, argonKey)
	return h
}

func (h pinHash) derive(pin string, size uint32) []byte {
	return argon2.IDKey([]byte(pin), h.salt, h.passes, h.memory, h.lanes, size)
}

// matches takes the same time for every wrong PIN.
func (h pinHash) matches(pin string) bool {
	return subtle.ConstantTimeCompare(h.derive(pin, uint32(len(h.key))), h.key) == 1
}

func (h pinHash) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf(hashTemplate, h.memory, h.passes, h.lanes, b.EncodeToString(h.salt), b.EncodeToString(h.key))
}

// parseHash reads what String writes. Costs beyond what this program would ever
// ask for are refused, so that a damaged file can't take the board's memory.
func parseHash(text string) (pinHash, error) {
	var h pinHash
	fields := strings.Split(strings.TrimSuffix(text, "\n"), "$")
	if len(text) > maxPINFile || len(fields) != 6 {
		return h, errBadHash
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return pinHash{}, errBadHash
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.Strict().DecodeString(fields[4])
	h.key, keyErr = base64.RawStdEncoding.Strict().DecodeString(fields[5])
	switch {
	case saltErr != nil, keyErr != nil,
		h.memory < 8*uint32(h.lanes), h.memory > maxMemory, h.passes < 1, h.passes > maxPasses, h.lanes < 1, h.lanes > 4,
		len(h.salt) != argonSalt, len(h.key) != argonKey, // a torn key would keep everyone out and not say why
		h.String() != strings.TrimSuffix(text, "\n"):
		return pinHash{}, errBadHash
	}
	return h, nil
}

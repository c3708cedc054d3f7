package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// tokenPrefix makes a join token recognisable wherever it is pasted; the digit
// is its version.
const tokenPrefix = "gourdian1."

// ErrToken is wrapped by every error of ParseToken.
var ErrToken = errors.New("bad join token")

// Token is what a board needs to find its hub, to be sure that it is the right
// one and to be let in.
type Token struct {
	Hub    string `json:"hub"`    // https://host:port of the hub's API
	Site   string `json:"site"`   // where the board will stand, for people
	CA     string `json:"ca"`     // SHA-256 of the DER of the hub's CA certificate, lower-case hex
	Secret string `json:"secret"` // lets in; the hub keeps only its hash
}

// String returns the token as one word for a command line or a QR code.
func (t Token) String() string {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // four strings
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(data)
}

// ParseToken reads what String wrote.
func ParseToken(text string) (Token, error) {
	body, found := strings.CutPrefix(strings.TrimSpace(text), tokenPrefix)
	if !found {
		return Token{}, fmt.Errorf("%w: it begins with %q", ErrToken, tokenPrefix)
	}
	if len(body) > 4096 {
		return Token{}, fmt.Errorf("%w: %d characters", ErrToken, len(body))
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Token{}, fmt.Errorf("%w: a part is missing or changed: %w", ErrToken, err)
	}
	var t Token
	if err := json.Unmarshal(data, &t); err != nil {
		return Token{}, fmt.Errorf("%w: a part is missing or changed: %w", ErrToken, err)
	}
	u, err := url.Parse(t.Hub)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return Token{}, fmt.Errorf("%w: %q is no https address of a hub", ErrToken, t.Hub)
	}
	if err := errors.Join(checkHash("ca", t.CA), checkID("secret", t.Secret)); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return t, nil
}

// CAHash returns the SHA-256 of a certificate's DER as Token.CA has it.
func CAHash(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

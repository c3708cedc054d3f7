package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"gourdian/internal/durable"
	"gourdian/internal/wire"
)

// Lives of certificates.
const (
	caLife = 10 * 365 * 24 * time.Hour
	// BoardLife is short, so that a stolen board is forgotten soon even by a
	// broker that knows nothing of revocation. A board renews after two thirds.
	BoardLife = 30 * 24 * time.Hour
	// serverLife is what browsers accept at most.
	serverLife = 397 * 24 * time.Hour
	// serverRenew is how long before its end the server's one is replaced.
	serverRenew = 30 * 24 * time.Hour
	// backdate allows for clocks that are behind.
	backdate = time.Hour
)

const (
	caCert = "ca.pem"
	caKey  = "ca.key"
)

// ErrIncomplete says that the CA's key or certificate is missing or damaged.
// Nothing is made anew then: every board would have to join again.
var ErrIncomplete = errors.New("the hub's certificate authority is incomplete")

// Authority signs. It is safe for concurrent use.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	pool *x509.CertPool
	dir  string
	now  func() time.Time
}

// Open reads the CA from its folder, or makes folder and CA. now is the wall
// clock.
func Open(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	certPEM, err := os.ReadFile(filepath.Join(dir, caCert))
	if errors.Is(err, fs.ErrNotExist) {
		certPEM, err = create(dir, now())
	}
	if err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, caKey))
	if err != nil {
		return nil, fmt.Errorf("open authority: %w: %w", ErrIncomplete, err)
	}
	cert, key, err := parsePair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("open authority: %w: %w", ErrIncomplete, err)
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("open authority: %w: %s is no CA", ErrIncomplete, caCert)
	}
	a := &Authority{cert: cert, key: key, pem: certPEM, pool: x509.NewCertPool(), dir: dir, now: now}
	a.pool.AddCert(cert)
	return a, nil
}

// create makes key and certificate. The key is written first: without a
// certificate beside it, it counts for nothing and is made again.
func create(dir string, now time.Time) ([]byte, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	name := make([]byte, 4)
	if _, err := rand.Read(name); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "gourdian hub " + hex.EncodeToString(name)},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	certPEM, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := write(dir, caKey, keyPEM, 0o600); err != nil {
		return nil, err
	}
	return certPEM, write(dir, caCert, certPEM, 0o644)
}

// PEM is the CA's certificate.
func (a *Authority) PEM() []byte { return a.pem }

// Hash is the SHA-256 of the CA's certificate, as a join token has it.
func (a *Authority) Hash() string { return wire.CAHash(a.cert.Raw) }

// Pool is for verifying the certificates of boards.
func (a *Authority) Pool() *x509.CertPool { return a.pool }

// From is when the CA was made, a little before: its certificate says no sooner.
func (a *Authority) From() time.Time { return a.cert.NotBefore }

// Until is when the CA itself ends.
func (a *Authority) Until() time.Time { return a.cert.NotAfter }

// KeyHash names the key of a certificate or a request: the SHA-256 of its
// SubjectPublicKeyInfo in lower-case hex. A renewal keeps it.
func KeyHash(subjectPublicKeyInfo []byte) string {
	sum := sha256.Sum256(subjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("write a key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// sign issues a certificate with a random serial number.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1)) // never 0
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func parsePair(certPEM, keyPEM []byte) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, errors.New("no PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read certificate: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("key and certificate don't belong together")
	}
	return cert, key, nil
}

// write puts a file into dir whole or not at all, and syncs both.
func write(dir, name string, data []byte, mode fs.FileMode) error {
	if err := durable.WriteFile(filepath.Join(dir, name), data, mode); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// ErrRequest is wrapped by every error of ReadRequest.
var ErrRequest = errors.New("bad certificate request")

// Request is a checked certificate request of a board.
type Request struct {
	Device  string
	KeyHash string
	key     *ecdsa.PublicKey
}

// ReadRequest checks that text is a request for device, signed with its own
// ECDSA P-256 key. Nothing else that it asks for is looked at.
func ReadRequest(text, device string) (Request, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		return Request{}, fmt.Errorf("%w: no PEM of one request", ErrRequest)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return Request{}, fmt.Errorf("%w: the key is not ECDSA P-256", ErrRequest)
	}
	if err := csr.CheckSignature(); err != nil {
		return Request{}, fmt.Errorf("%w: not signed with its own key: %w", ErrRequest, err)
	}
	if csr.Subject.CommonName != device {
		return Request{}, fmt.Errorf("%w: it is for %.64q, not for %s", ErrRequest, csr.Subject.CommonName, device)
	}
	return Request{Device: device, KeyHash: KeyHash(csr.RawSubjectPublicKeyInfo), key: key}, nil
}

// Leaf is a certificate that was issued to a board.
type Leaf struct {
	PEM     []byte
	Serial  string // lower-case hex
	KeyHash string
	From    time.Time
	Until   time.Time
}

// Board issues a certificate. It lets its holder act as a client, not as a
// server.
func (a *Authority) Board(r Request) (Leaf, error) {
	now := a.now()
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: r.Device},
		DNSNames: []string{r.Device}, NotBefore: now.Add(-backdate), NotAfter: now.Add(BoardLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	text, err := sign(template, a.cert, r.key, a.key)
	if err != nil {
		return Leaf{}, fmt.Errorf("issue a certificate for %s: %w", r.Device, err)
	}
	return Leaf{
		PEM: text, Serial: template.SerialNumber.Text(16), KeyHash: r.KeyHash,
		From: template.NotBefore.Truncate(time.Second), Until: template.NotAfter.Truncate(time.Second),
	}, nil
}

// Past verifies the certificate of a board that asks for a renewal: it is ours
// and was valid once, however long ago it ended.
func (a *Authority) Past(cert *x509.Certificate) error {
	at := cert.NotAfter.Add(-time.Second)
	_, err := cert.Verify(x509.VerifyOptions{Roots: a.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: at})
	if err != nil {
		return fmt.Errorf("verify a board's certificate: %w", err)
	}
	return nil
}

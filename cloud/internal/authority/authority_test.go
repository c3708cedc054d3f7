package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// clock is a wall clock that a test turns.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func open(t *testing.T, dir string) (*Authority, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	a, err := Open(dir, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

// request makes a CSR; edit may spoil it.
func request(t testing.TB, device string, edit func(der []byte) []byte) (string, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: device}}, key)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		der = edit(der)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), key
}

func leaf(t *testing.T, a *Authority, device string) (*x509.Certificate, Leaf) {
	t.Helper()
	text, _ := request(t, device, nil)
	r, err := ReadRequest(text, device)
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.Board(r)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(l.PEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if KeyHash(cert.RawSubjectPublicKeyInfo) != l.KeyHash || cert.SerialNumber.Text(16) != l.Serial || !cert.NotAfter.Equal(l.Until) {
		t.Errorf("the leaf says something else than its certificate: %+v", l)
	}
	return cert, l
}

func TestRestartKeepsTheAuthority(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	a, _ := open(t, dir)
	b, _ := open(t, dir)
	if a.Hash() != b.Hash() {
		t.Error("a restart made another CA")
	}
	for _, name := range []string{caKey} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	cert, _ := leaf(t, a, "b1")
	if _, err := cert.Verify(x509.VerifyOptions{Roots: b.Pool(), CurrentTime: cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Errorf("a certificate from before the restart: %v", err)
	}
}

func TestLostKeyIsNotReplacedInSilence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if err := os.Remove(filepath.Join(dir, caKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now); !errors.Is(err, ErrIncomplete) {
		t.Errorf("without its key: %v", err)
	}
	other := t.TempDir()
	open(t, other)
	data, err := os.ReadFile(filepath.Join(other, caKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, caKey), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now); !errors.Is(err, ErrIncomplete) {
		t.Errorf("with the key of another: %v", err)
	}
}

func TestPowerCutBetweenKeyAndCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if err := os.Remove(filepath.Join(dir, caCert)); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // begins anew: nothing was ever signed with that key
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	good, _ := request(t, "b1", nil)
	forged, _ := request(t, "b1", func(der []byte) []byte { der[len(der)-3] ^= 1; return der })
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaDER, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "b1"}}, rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	big, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bigDER, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "b1"}}, big)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := func(der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	for name, c := range map[string]struct{ text, device string }{
		"for another board": {good, "b2"},
		"forged signature":  {forged, "b1"},
		"RSA":               {asPEM(rsaDER), "b1"},
		"P-384":             {asPEM(bigDER), "b1"},
		"two requests":      {good + good, "b1"},
		"no PEM":            {"hello", "b1"},
		"a certificate":     {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bigDER})), "b1"},
	} {
		if _, err := ReadRequest(c.text, c.device); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadRequest(good, "b1"); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func TestBoardsCannotActAsServers(t *testing.T) {
	t.Parallel()
	a, c := open(t, t.TempDir())
	cert, _ := leaf(t, a, "b1")
	if _, err := cert.Verify(x509.VerifyOptions{Roots: a.Pool(), CurrentTime: c.now}); err == nil {
		t.Error("a board's certificate passes for a server's")
	}
	if cert.IsCA {
		t.Error("a board's certificate is a CA")
	}
}

func TestPastCertificates(t *testing.T) {
	t.Parallel()
	a, c := open(t, t.TempDir())
	other, _ := open(t, t.TempDir())
	cert, _ := leaf(t, a, "b1")
	c.now = c.now.Add(5 * BoardLife)
	if err := a.Past(cert); err != nil {
		t.Errorf("months later: %v", err)
	}
	strange, _ := leaf(t, other, "b1")
	if err := a.Past(strange); err == nil {
		t.Error("a certificate of another CA passes")
	}
	server, err := a.Server([]string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := server.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Past(pair.Leaf); err == nil {
		t.Error("the server's own certificate passes for a board's")
	}
}

func TestServerCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, c := open(t, dir)
	get := func(names ...string) *x509.Certificate {
		s, err := a.Server(names)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := s.Certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf
	}
	first := get("hub.example", "::1", "127.0.0.1")
	for _, name := range []string{"hub.example", "127.0.0.1", "::1"} {
		if _, err := first.Verify(x509.VerifyOptions{Roots: a.Pool(), CurrentTime: c.now, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := get("127.0.0.1", "0:0:0:0:0:0:0:1", "hub.example"); again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("a restart with the same names made another certificate")
	}
	if moved := get("other.example"); moved.SerialNumber.Cmp(first.SerialNumber) == 0 || moved.DNSNames[0] != "other.example" {
		t.Error("a hub that moved keeps the old name")
	}
	s, err := a.Server([]string{"other.example"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.now = before.Leaf.NotAfter.Add(-serverRenew + time.Minute)
	after, err := s.Certificate(nil)
	if err != nil || after.Leaf.SerialNumber.Cmp(before.Leaf.SerialNumber) == 0 {
		t.Errorf("near its end, the certificate is not replaced: %v", err)
	}
}

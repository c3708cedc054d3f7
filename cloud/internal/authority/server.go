package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const (
	serverCert = "server.pem"
	serverKey  = "server.key"
)

// Server keeps the certificate of the hub's servers. It lies on disk, so that a
// browser that was told to trust it needs not be told again at the next start.
type Server struct {
	authority *Authority
	names     []string

	mu      sync.Mutex // guards current
	current *tls.Certificate
}

// Server returns the keeper of a certificate for host names and addresses. The
// certificate on disk is replaced when it is for others or ends soon.
func (a *Authority) Server(names []string) (*Server, error) {
	s := &Server{authority: a}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			name = ip.String()
		}
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	certPEM, err := os.ReadFile(filepath.Join(a.dir, serverCert))
	keyPEM, keyErr := os.ReadFile(filepath.Join(a.dir, serverKey))
	if err := errors.Join(err, keyErr); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the server's certificate: %w", err)
	}
	if pair, err := s.pair(certPEM, keyPEM); err == nil && s.fits(pair) {
		s.current = pair
	}
	_, err = s.Certificate(nil)
	return s, err
}

// Certificate is for tls.Config.GetCertificate: it issues a new one when the
// old one ends soon. Where that can't be written down, it is used all the same.
func (s *Server) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.authority.now().Before(s.current.Leaf.NotAfter.Add(-serverRenew)) {
		return s.current, nil
	}
	fresh, err := s.issueLocked()
	if fresh != nil {
		s.current = fresh
	}
	if s.current == nil {
		return nil, fmt.Errorf("certificate of the server: %w", err)
	}
	return s.current, nil
}

func (s *Server) issueLocked() (*tls.Certificate, error) {
	a, now := s.authority, s.authority.now()
	key, keyPEM, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "gourdian hub"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(serverLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range s.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	certPEM, err := sign(template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	pair, err := s.pair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	return pair, errors.Join(write(a.dir, serverKey, keyPEM, 0o600), write(a.dir, serverCert, certPEM, 0o644))
}

// pair sends the CA along: a board looks for it there when it joins.
func (s *Server) pair(certPEM, keyPEM []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(slices.Concat(certPEM, s.authority.pem), keyPEM)
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate: %w", err)
	}
	return &pair, nil
}

// fits reports whether a certificate is for the names, of this CA.
func (s *Server) fits(pair *tls.Certificate) bool {
	leaf := pair.Leaf
	had := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		had = append(had, ip.String())
	}
	slices.Sort(had)
	return slices.Equal(had, s.names) && bytes.Equal(leaf.RawIssuer, s.authority.cert.RawSubject) &&
		leaf.CheckSignatureFrom(s.authority.cert) == nil
}

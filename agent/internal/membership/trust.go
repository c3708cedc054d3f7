package membership

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"gourdian/internal/wire"
)

// Errors of a connection to the hub, to be asked for with errors.Is.
var (
	// ErrOtherHub says that whoever answered is not the hub.
	ErrOtherHub = errors.New("who answers is not the hub that is asked for: its certificate comes from another CA")
	// ErrClock says that certificates don't hold at the board's time.
	ErrClock = errors.New("the board's clock, or the hub's certificate, is out of date")
)

// Clock is the time at which certificates are checked: the wall clock, but
// never before the program was built.
type Clock struct {
	Now   func() time.Time
	Built time.Time // zero where unknown
}

func (c Clock) at(floor time.Time) time.Time {
	now := c.Now()
	for _, t := range []time.Time{c.Built, floor} {
		if now.Before(t) {
			now = t
		}
	}
	return now
}

// Time is the time at which this membership's certificate is looked at: the hub
// made it, so it can't be earlier than its beginning.
func (m *Membership) Time(clock Clock) time.Time {
	from, _ := m.Validity()
	return clock.at(from)
}

// TLS returns how to talk to the hub and its broker.
func (m *Membership) TLS(clock Clock) *tls.Config {
	roots := x509.NewCertPool()
	for _, ca := range m.cas {
		roots.AddCert(ca)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1", wire.BoardProtocol},
		Certificates: []tls.Certificate{m.certificate},
		// Without names: see verify.
		InsecureSkipVerify: true,
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
		VerifyConnection: func(s tls.ConnectionState) error {
			return verify(s.PeerCertificates, roots, m.Time(clock))
		},
	}
}

// pinned returns how to talk to a hub of which only its CA's hash is known.
func pinned(hash string, clock Clock) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1", wire.BoardProtocol},
		InsecureSkipVerify: true, // see verify
		VerifyConnection: func(s tls.ConnectionState) error {
			roots := x509.NewCertPool()
			found := false
			for _, c := range s.PeerCertificates {
				if wire.CAHash(c.Raw) == hash {
					roots.AddCert(c)
					found = true
				}
			}
			if !found {
				return ErrOtherHub
			}
			return verify(s.PeerCertificates, roots, clock.at(time.Time{}))
		},
	}
}

// verify holds that the first certificate is a server's and comes from one of
// roots. No names are compared: the CA is the hub's own and gives boards no
// certificates of servers, and a hub may be met under any address.
func verify(chain []*x509.Certificate, roots *x509.CertPool, at time.Time) error {
	if len(chain) == 0 {
		return ErrOtherHub
	}
	others := x509.NewCertPool()
	for _, c := range chain[1:] {
		others.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: others, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w: here it is %s, the certificate holds from %s until %s", ErrClock,
			at.UTC().Format(time.DateTime), chain[0].NotBefore.UTC().Format(time.DateTime), chain[0].NotAfter.UTC().Format(time.DateTime))
	default:
		return fmt.Errorf("%w: %w", ErrOtherHub, err)
	}
}

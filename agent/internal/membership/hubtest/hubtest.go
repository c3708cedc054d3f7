// Package hubtest is the part of a hub that the tests of a board need: a CA and
// the addresses for joining and renewing.
package hubtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"gourdian/internal/wire"
)

// CA signs certificates of a hub and its boards.
type CA struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewCA makes a CA that holds from year 2020 on for 100 years.
func NewCA(t testing.TB) *CA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test hub"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &CA{c, key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// PEM is the CA as boards get it.
func (ca *CA) PEM() string { return pemOf(ca.Certificate.Raw) }

// Pool trusts the CA.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	return pool
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Issue signs a certificate for a key.
func (ca *CA) Issue(t testing.TB, name string, public any, usage x509.ExtKeyUsage, from, until time.Time) []byte {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}, ca.Certificate, public, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Server is a certificate with its key and the CA beside it.
func (ca *CA) Server(t testing.TB, usage x509.ExtKeyUsage, from, until time.Time) tls.Certificate {
	t.Helper()
	key := newKey(t)
	return tls.Certificate{
		Certificate: [][]byte{ca.Issue(t, "hub", key.Public(), usage, from, until), ca.Certificate.Raw}, PrivateKey: key,
	}
}

// Hub answers join and renew. Change its fields before its first request only.
type Hub struct {
	CA       *CA
	Broker   string
	Secret   string
	Life     time.Duration    // of a board's certificate
	Now      func() time.Time // of the hub
	Refuse   *wire.Token      // nil = takes everybody; else answers token_expired
	Tamper   func(*wire.JoinAnswer)
	URL      string
	requests []wire.JoinRequest // guarded by mu
	mu       sync.Mutex
	t        testing.TB
}

// Start opens a hub with a certificate for its server.
func Start(t testing.TB, ca *CA, server tls.Certificate) *Hub {
	t.Helper()
	h := &Hub{CA: ca, Broker: "127.0.0.1:8883", Secret: "s3cret", Life: 30 * 24 * time.Hour, Now: time.Now, t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.JoinPath, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, false) })
	mux.HandleFunc("POST "+wire.RenewPath, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, true) })
	s := httptest.NewUnstartedServer(mux)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequestClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that are meant to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	h.URL = s.URL
	return h
}

// Token lets a board join.
func (h *Hub) Token() wire.Token {
	return wire.Token{Hub: h.URL, Site: "Oak farm", CA: wire.CAHash(h.CA.Certificate.Raw), Secret: h.Secret}
}

// Requests are those that were answered.
func (h *Hub) Requests() []wire.JoinRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]wire.JoinRequest(nil), h.requests...)
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request, renewal bool) {
	data, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxJoinBytes))
	if err != nil {
		h.t.Error(err)
	}
	request, err := wire.DecodeJoinRequest(data)
	if err != nil {
		h.t.Error(err)
	}
	known := request.Secret == h.Secret
	if renewal {
		known = len(r.TLS.PeerCertificates) > 0 && r.TLS.PeerCertificates[0].CheckSignatureFrom(h.CA.Certificate) == nil &&
			r.TLS.PeerCertificates[0].Subject.CommonName == request.Device
	}
	if !known || h.Refuse != nil {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"code":"token_expired","message":"this token has expired","hint":"make a new one"}}`)
		return
	}
	h.mu.Lock()
	h.requests = append(h.requests, request)
	h.mu.Unlock()
	block, _ := pem.Decode([]byte(request.CSR))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		h.t.Error(err)
		return
	}
	now := h.Now()
	answer := wire.JoinAnswer{
		Contract: wire.Contract, CA: h.CA.PEM(), Broker: h.Broker, Site: "Oak farm", Name: "North field", Hub: "test",
		Certificate: pemOf(h.CA.Issue(h.t, csr.Subject.CommonName, csr.PublicKey, x509.ExtKeyUsageClientAuth, now.Add(-time.Minute), now.Add(h.Life))),
	}
	if h.Tamper != nil {
		h.Tamper(&answer)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		h.t.Error(err)
	}
}

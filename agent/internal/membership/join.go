package membership

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"gourdian/internal/wire"
)

// requestTimeout is for one request, all in all: a field's network is slow.
const requestTimeout = 60 * time.Second

// ErrUnreachable says that no hub answered.
var ErrUnreachable = errors.New("the hub can't be reached")

// RefusedError is the hub's refusal in its own words.
type RefusedError struct {
	Status  int // of HTTP
	Code    string
	Message string
	Hint    string
}

func (e *RefusedError) Error() string {
	text := e.Message
	if text == "" {
		text = fmt.Sprintf("HTTP status %d", e.Status)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return "the hub refuses: " + text
}

// Final reports whether asking again is in vain: the hub understood, and said no.
func (e *RefusedError) Final() bool {
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// Request is what a board says when it joins.
type Request struct {
	Data    string // the data folder, which exists
	Device  string
	Token   string
	Hub     string // address instead of the token's, "" = the token's
	Name    string // for people, "" = the hub's choice
	Version string // of the agent
	Clock   Clock
}

// Join makes a key where there is none for this hub, asks the hub for a certificate and keeps both. The errors
// wrap wire.ErrToken, ErrUnreachable, ErrOtherHub, ErrClock or are a
// *RefusedError; then nothing has changed on the board.
func Join(ctx context.Context, r Request) (*Membership, error) {
	token, err := wire.ParseToken(r.Token)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	if r.Hub != "" {
		token.Hub = r.Hub
	}
	// Before a token is used up: where nothing can be written, nothing is asked.
	if err := probe(r.Data); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	key, keyPEM, err := keyFor(r.Data, token.CA)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	csr, err := requestFor(r.Device, key)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	answer, err := post(ctx, pinned(token.CA, r.Clock), token.Hub, wire.JoinPath, wire.JoinRequest{
		Contract: wire.Contract, Secret: token.Secret, Device: r.Device, CSR: csr, Name: r.Name, Version: r.Version,
	})
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	m := &Membership{Hub: token.Hub, Site: answer.Site, Name: answer.Name, Elsewhere: r.Hub != ""}
	m.Broker = m.brokerAt(answer.Broker)
	if err := m.take(keyPEM, []byte(answer.Certificate), []byte(answer.CA)); err != nil {
		return nil, fmt.Errorf("join: the hub's answer: %w", err)
	}
	if m.CAHash != token.CA || m.Device() != r.Device {
		return nil, fmt.Errorf("join: the hub's answer is for another hub or board: CA %.12s, device %s", m.CAHash, m.Device())
	}
	m.Root = answer.Root
	if err := m.save(r.Data, []byte(answer.Certificate), []byte(answer.CA)); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	return m, nil
}

// Renew asks for a new certificate with the old one, which may have ended, and
// keeps it. The key stays.
func (m *Membership) Renew(ctx context.Context, data, version string, clock Clock) (*Membership, error) {
	csr, err := requestFor(m.Device(), m.key())
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	answer, err := post(ctx, m.TLS(clock), m.Hub, wire.RenewPath, wire.JoinRequest{
		Contract: wire.Contract, Device: m.Device(), CSR: csr, Version: version,
	})
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	fresh := &Membership{Hub: m.Hub, Broker: m.brokerAt(answer.Broker), Site: answer.Site, Name: answer.Name, Elsewhere: m.Elsewhere, Root: m.Root}
	if err := fresh.take(m.keyPEM, []byte(answer.Certificate), []byte(answer.CA)); err != nil {
		return nil, fmt.Errorf("renew: the hub's answer: %w", err)
	}
	if fresh.Device() != m.Device() {
		return nil, fmt.Errorf("renew: the hub's answer is for the board %s", fresh.Device())
	}
	if err := fresh.save(data, []byte(answer.Certificate), []byte(answer.CA)); err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	return fresh, nil
}

// brokerAt is where the board finds the broker that the hub names: a board that
// has to reach the hub under another host has to reach its broker there too.
func (m *Membership) brokerAt(named string) string {
	if !m.Elsewhere {
		return named
	}
	u, err := url.Parse(m.Hub)
	_, port, err2 := net.SplitHostPort(named)
	if err != nil || err2 != nil || u.Hostname() == "" {
		return named
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func probe(data string) error {
	f, err := os.CreateTemp(data, folderName+".probe-")
	if err != nil {
		return fmt.Errorf("the data folder can't be written: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// keyFor returns the key with which the board is a member of this hub already,
// so that the hub knows it again, or a new one: no two hubs see the same.
func keyFor(data, ca string) (*ecdsa.PrivateKey, []byte, error) {
	if m, err := Load(data); err == nil && m.CAHash == ca && m.key() != nil {
		return m.key(), m.keyPEM, nil
	}
	return newKey()
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

func requestFor(device string, key *ecdsa.PrivateKey) (string, error) {
	if key == nil {
		return "", errors.New("the board's key is of another kind")
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: device}}, key)
	if err != nil {
		return "", fmt.Errorf("make a certificate request: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// post asks the hub once, over a connection of its own.
func post(ctx context.Context, config *tls.Config, hub, path string, request wire.JoinRequest) (wire.JoinAnswer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("write request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(hub, "/")+path, bytes.NewReader(body))
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("the hub's address: %w", err)
	}
	call.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(call)
	if err != nil {
		if errors.Is(err, ErrOtherHub) || errors.Is(err, ErrClock) {
			return wire.JoinAnswer{}, err
		}
		return wire.JoinAnswer{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(answer.Body, wire.MaxJoinBytes+1))
	if err != nil {
		return wire.JoinAnswer{}, fmt.Errorf("%w: read answer: %w", ErrUnreachable, err)
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated {
		return wire.JoinAnswer{}, refusal(answer.StatusCode, data)
	}
	return wire.DecodeJoinAnswer(data)
}

// refusal reads the error that the hub's API answers with.
func refusal(status int, data []byte) error {
	var body struct {
		Error struct{ Code, Message, Hint string } `json:"error"`
	}
	if json.Unmarshal(data, &body) != nil {
		return &RefusedError{Status: status}
	}
	e := body.Error
	return &RefusedError{Status: status, Code: wire.Text(e.Code, wire.MaxID), Message: wire.Text(e.Message, wire.MaxText), Hint: wire.Text(e.Hint, wire.MaxText)}
}

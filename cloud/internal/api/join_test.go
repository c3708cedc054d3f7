package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

// door is Members that answers what a test wants.
type door struct {
	err error
	had *x509.Certificate
}

func (d *door) Join(context.Context, wire.JoinRequest) (wire.JoinAnswer, error) {
	return wire.JoinAnswer{Contract: wire.Contract, Site: "north"}, d.err
}

func (d *door) Renew(_ context.Context, had *x509.Certificate, _ wire.JoinRequest) (wire.JoinAnswer, error) {
	d.had = had
	return wire.JoinAnswer{Contract: wire.Contract}, d.err
}

// TestBoardThatIsTooOldToJoinIsToldToUpdate: in words, and its token is not used up.
func TestBoardThatIsTooOldToJoinIsToldToUpdate(t *testing.T) {
	t.Parallel()
	engine := gin.New()
	for _, r := range NewJoin(&door{}, slog.New(slog.DiscardHandler)).Routes() {
		engine.Handle(r.Method, r.Path, r.Handler)
	}
	for contract, status := range map[int]int{1: http.StatusBadRequest, 2: http.StatusCreated, wire.Contract + 1: http.StatusCreated} {
		body, err := json.Marshal(wire.JoinRequest{Contract: contract, Secret: "s", Device: "b1", CSR: "x", Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequest(http.MethodPost, wire.JoinPath, bytes.NewReader(body)))
		if w.Code != status || status == http.StatusBadRequest && !bytes.Contains(w.Body.Bytes(), []byte(`"code":"contract"`)) {
			t.Errorf("contract %d: %d %s", contract, w.Code, w.Body)
		}
	}
}

func TestJoinSpeaksWithBoardsOnTheirTerms(t *testing.T) {
	t.Parallel()
	d := &door{}
	engine := gin.New()
	for _, r := range NewJoin(d, slog.New(slog.DiscardHandler)).Routes() {
		engine.Handle(r.Method, r.Path, r.Handler)
	}
	good, err := json.Marshal(wire.JoinRequest{Contract: wire.Contract, Secret: "s", Device: "b1", CSR: "x", Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(engine)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	ask := func(path string, body []byte) (int, string) {
		answer, err := server.Client().Post(server.URL+path, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		data, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		var said struct{ Error struct{ Code string } }
		if err := json.Unmarshal(data, &said); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		return answer.StatusCode, said.Error.Code
	}
	for _, c := range []struct {
		path   string
		body   []byte
		err    error
		status int
		code   string
	}{
		{wire.JoinPath, good, nil, http.StatusCreated, ""},
		{wire.JoinPath, []byte(`{"contract":2}`), nil, http.StatusBadRequest, "request"},
		{wire.JoinPath, bytes.Repeat([]byte("x"), wire.MaxJoinBytes+2), nil, http.StatusBadRequest, "request"},
		{wire.JoinPath, good, fmt.Errorf("join: %w", fleet.ErrSecret), http.StatusForbidden, "token"},
		{wire.JoinPath, good, fmt.Errorf("join: %w", fleet.ErrAlready), http.StatusConflict, "already_joined"},
		{wire.JoinPath, good, fmt.Errorf("join: %w", fleet.ErrRevoked), http.StatusForbidden, "revoked"},
		{wire.JoinPath, good, context.DeadlineExceeded, http.StatusServiceUnavailable, "database"},
		{wire.RenewPath, good, nil, http.StatusUnauthorized, "certificate_needed"},
	} {
		d.err = c.err
		if status, code := ask(c.path, c.body); status != c.status || code != c.code {
			t.Errorf("%s after %v: %d %q, expected are %d %q", c.path, c.err, status, code, c.status, c.code)
		}
	}
	d.err = nil
	pair := server.TLS.Certificates[0] // any certificate: the handshake proves its key, Renew looks at the rest
	server.Client().Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
	server.Client().CloseIdleConnections()
	if status, _ := ask(wire.RenewPath, good); status != http.StatusCreated || d.had == nil {
		t.Fatalf("renewal with a certificate: %d", status)
	}
	if !bytes.Equal(d.had.Raw, pair.Certificate[0]) {
		t.Errorf("another certificate arrived: %s", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.had.Raw}))
	}
}

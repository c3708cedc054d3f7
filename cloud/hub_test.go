package cloud

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/api"
	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/fleet"
	"gourdian/cloud/internal/people"
	"gourdian/internal/wire"
)

func TestFirstStartIsSetUpByItsLinkOnce(t *testing.T) {
	t.Parallel()
	h, out, stop := start(t, testConfig(t.TempDir()))
	if status, _, to := ask(t, browser(t), http.MethodGet, h.Plain()+"/", nil); status != http.StatusSeeOther || to != "/login" {
		t.Errorf("a stranger gets %d, %q", status, to)
	}
	client := setUp(t, h, out)
	if status, body, _ := ask(t, client, http.MethodGet, h.Plain()+"/", nil); status != http.StatusOK || !strings.Contains(body, "ana") {
		t.Errorf("the start page: %d\n%s", status, body)
	}
	link := regexp.MustCompile(`http://127\S+`).FindString(out.String())
	if status, _, _ := ask(t, browser(t), http.MethodGet, link, nil); status == http.StatusOK {
		t.Error("the link works twice")
	}
	stop()
	h, out, _ = start(t, h.config)
	until(t, "the address", func() bool { return strings.Contains(out.String(), h.Address()) })
	other := browser(t)
	if status, _, _ := ask(t, other, http.MethodPost, h.Plain()+"/login", url.Values{"name": {"ana"}, "password": {password + "x"}}); status == http.StatusSeeOther {
		t.Error("a wrong password lets in")
	}
	if status, _, to := ask(t, other, http.MethodPost, h.Plain()+"/login", url.Values{"name": {"ana"}, "password": {password}, "next": {"//evil.example"}}); status != http.StatusSeeOther || to != "/" {
		t.Errorf("login: %d to %q", status, to)
	}
	if strings.Contains(out.String(), people.LinkPath) {
		t.Errorf("a hub that is set up prints a link:\n%s", out)
	}
}

func TestSecondHubOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	_, _, stop := start(t, config)
	_, err := New(t.Context(), config, Build{}, slog.New(slog.DiscardHandler), &screen{})
	if err == nil || !strings.Contains(err.Error(), "another gourdian-hub") {
		t.Errorf("New: %v", err)
	}
	stop()
	start(t, config)
}

func TestChangeFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	client := setUp(t, h, out)
	form := url.Values{"name": {"eve"}, "role": {"admin"}}
	if status, _, _ := ask(t, client, http.MethodPost, h.Plain()+"/people", form, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a cross-site change: %d", status)
	}
	if status, _, _ := ask(t, client, http.MethodPost, h.Plain()+"/people", form, "Origin", "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("a change with another origin: %d", status)
	}
	if list, err := h.people.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d people, %v", len(list), err)
	}
}

// TestEveryRouteAgainstEveryRole walks all addresses of the hub as nobody, as
// each role and with a made-up token: only who may gets past the guard.
func TestEveryRouteAgainstEveryRole(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	setUp(t, h, out)
	tokens := map[people.Role]string{}
	for _, role := range people.Roles() {
		secret, err := h.people.Add(t.Context(), "test", "walker-"+string(role), role)
		if err != nil {
			t.Fatal(err)
		}
		one, err := h.people.Accept(t.Context(), secret, "", password)
		if err != nil {
			t.Fatal(err)
		}
		if tokens[role], err = h.people.NewToken(t.Context(), one, "walk"); err != nil {
			t.Fatal(err)
		}
	}
	client := browser(t)
	param := regexp.MustCompile(`[:*][a-z]+`)
	walked := 0
	for _, r := range h.api.Routes() {
		if r.Least == api.Open || r.Slow && r.Method == http.MethodGet {
			continue // a stream has no end; its guard is the same
		}
		address := h.Plain() + param.ReplaceAllString(r.Path, "none")
		refused := func(name string, header ...string) bool {
			status, _, to := ask(t, client, r.Method, address, nil, header...)
			if status == http.StatusTooManyRequests {
				t.Fatalf("%s %s: too many requests as %s", r.Method, r.Path, name)
			}
			return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusSeeOther && strings.HasPrefix(to, "/login")
		}
		if !refused("nobody") || !refused("a made-up token", "Authorization", "Bearer "+people.TokenPrefix+"AAAA") {
			t.Errorf("%s %s lets anyone in", r.Method, r.Path)
		}
		for _, role := range people.Roles() {
			may := role.Allows(r.Least)
			if got := refused(string(role), "Authorization", "Bearer "+tokens[role]); got == may {
				t.Errorf("%s %s for %s: refused %v", r.Method, r.Path, role, got)
			}
		}
		walked++
	}
	if walked < 20 {
		t.Errorf("%d addresses", walked)
	}
}

func TestErrorsOfTheAPIAreJSON(t *testing.T) {
	t.Parallel()
	h, _, _ := start(t, testConfig(t.TempDir()))
	for path, code := range map[string]string{"/api/v1/none": "not_found", "/api/v1/me": "login_needed", "/metrics": "login_needed"} {
		_, body, _ := ask(t, browser(t), http.MethodGet, h.Plain()+path, nil)
		var answer struct {
			Error struct{ Code, Message, Hint string }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Error.Code != code || answer.Error.Message == "" || answer.Error.Hint == "" {
			t.Errorf("%s: %v %s", path, err, body)
		}
	}
	status, body, _ := ask(t, browser(t), http.MethodGet, h.Plain()+"/healthz", nil)
	if status != http.StatusOK || !strings.Contains(body, `"status":`) || strings.Contains(body, "version") {
		t.Errorf("healthz tells a stranger: %d %s", status, body)
	}
}

// TestCertificateFromElsewhereIsForPeople: a browser is shown the certificate
// of the config, a board the one of the CA that it trusts.
func TestCertificateFromElsewhereIsForPeople(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	elsewhere, err := authority.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Server([]string{"hub.example"}); err != nil {
		t.Fatal(err)
	}
	config := testConfig(t.TempDir())
	config.TLS = TLS{Certificate: filepath.Join(dir, "server.pem"), Key: filepath.Join(dir, "server.key")}
	h, _, _ := start(t, config)
	for _, tc := range []struct {
		who   string
		roots *x509.CertPool
		name  string
		offer []string
	}{
		{"a browser", elsewhere.Pool(), "hub.example", []string{"h2", "http/1.1"}},
		{"a board", h.authority.Pool(), "localhost", []string{"http/1.1", wire.BoardProtocol}},
	} {
		conn, err := tls.Dial("tcp", h.api.Addr(true), &tls.Config{RootCAs: tc.roots, ServerName: tc.name, NextProtos: tc.offer})
		if err != nil {
			t.Errorf("%s: %v", tc.who, err)
			continue
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPortsThatTheMachineChoseAreThoseOfTokensAndAnswers: a hub that is told to
// take any free port must not send boards to port 0.
func TestPortsThatTheMachineChoseAreThoseOfTokensAndAnswers(t *testing.T) {
	t.Parallel()
	h, _, _ := start(t, testConfig(t.TempDir()))
	_, text, err := h.boards.fleet.NewToken(t.Context(), "test", fleet.TokenRequest{Site: "North", Uses: 1, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ParseToken(text)
	if want := "https://" + h.api.Addr(true); err != nil || token.Hub != want {
		t.Fatalf("the token leads to %s, not to %s: %v", token.Hub, want, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "b7q2m0x4"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.boards.fleet.Join(t.Context(), wire.JoinRequest{
		Contract: wire.Contract, Secret: token.Secret, Device: "b7q2m0x4", Version: "test",
		CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
	})
	if want := h.boards.broker.Addr().String(); err != nil || answer.Broker != want {
		t.Errorf("boards are sent to %s, the broker is at %s: %v", answer.Broker, want, err)
	}
}

// TestProgramMakesAJoinTokenAndBoardsAreListed: what a program needs to bring a
// board in and to see that its records came.
func TestProgramMakesAJoinTokenAndBoardsAreListed(t *testing.T) {
	t.Parallel()
	h, out, _ := start(t, testConfig(t.TempDir()))
	client := setUp(t, h, out)
	post := func(body string) (int, map[string]any) {
		answer, err := client.Post(h.Plain()+"/api/v1/join-tokens", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		var said map[string]any
		if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, said
	}
	status, said := post(`{"site":"North field","uses":2}`)
	text, _ := said["token"].(string)
	token, err := wire.ParseToken(text)
	if status != http.StatusCreated || err != nil || token.Site != "North field" || token.CA != h.authority.Hash() {
		t.Fatalf("%d %v: %v", status, said, err)
	}
	for _, wrong := range []string{`{"site":""}`, `{"site":"x","uses":-1}`, `{"site":"x","days":9999}`} {
		if status, said := post(wrong); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %v", wrong, status, said)
		}
	}
	if status, _ := post("{"); status != http.StatusBadRequest {
		t.Errorf("half a request: %d", status)
	}
	if status, body, _ := ask(t, client, http.MethodGet, h.Plain()+"/api/v1/boards", nil); status != http.StatusOK || !strings.Contains(body, `"boards":[]`) {
		t.Errorf("boards of an empty hub: %d %s", status, body)
	}
	if status, body, _ := ask(t, client, http.MethodGet, h.Plain()+"/api/v1/boards/none", nil); status != http.StatusNotFound || !strings.Contains(body, "no_such_board") {
		t.Errorf("no board: %d %s", status, body)
	}
}

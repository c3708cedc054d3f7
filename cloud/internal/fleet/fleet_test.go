package fleet

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/authority"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/internal/wire"
)

// rig is a fleet with a clock and a link that a test reads.
type rig struct {
	*Fleet
	ca   *authority.Authority
	now  time.Time
	gone []string
	told []string
}

func (r *rig) Disconnect(device string) { r.gone = append(r.gone, device) }

func (r *rig) Publish(device, name string, payload []byte) error {
	r.told = append(r.told, device+" "+name+" "+string(payload))
	return nil
}

func setup(t *testing.T, d *db.DB) *rig {
	t.Helper()
	r := &rig{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return r.now }
	var err error
	if r.ca, err = authority.Open(t.TempDir(), clock); err != nil {
		t.Fatal(err)
	}
	r.Fleet, err = Open(t.Context(), Config{Hub: func() string { return "https://hub.example:8443" }, Broker: func() string { return "hub.example:8883" }, Version: "v", Now: clock}, d, r.ca)
	if err != nil {
		t.Fatal(err)
	}
	r.Attach(r)
	return r
}

// token makes a token and returns its secret.
func (r *rig) token(t *testing.T, request TokenRequest) (Token, string) {
	t.Helper()
	made, text, err := r.NewToken(t.Context(), "ana", request)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := wire.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.CA != r.ca.Hash() || parsed.Hub != "https://hub.example:8443" || parsed.Site != request.Site {
		t.Errorf("the token says %+v", parsed)
	}
	return made, parsed.Secret
}

func (r *rig) join(t *testing.T, secret, device string) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	t.Helper()
	key, csr := brokertest.Request(t, device)
	answer, err := r.Join(t.Context(), wire.JoinRequest{Contract: wire.Contract, Secret: secret, Device: device, CSR: csr, Version: "1"})
	if err != nil {
		return nil, nil, err
	}
	return key, certificate(t, answer), nil
}

func (r *rig) mustJoin(t *testing.T, secret, device string) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, cert, err := r.join(t, secret, device)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func certificate(t *testing.T, answer wire.JoinAnswer) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(answer.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (r *rig) admits(cert *x509.Certificate) error {
	return r.Admit(cert.Subject.CommonName, authority.KeyHash(cert.RawSubjectPublicKeyInfo))
}

// seen makes the hub believe that a board has connected.
func (r *rig) seen(t *testing.T, device string) {
	t.Helper()
	r.now = r.now.Add(time.Minute)
	_, err := r.db.Write().NewUpdate().Model((*Board)(nil)).Set("seen_at = ?", db.Micros(r.now)).Where("device = ?", device).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokensLetInWhatTheySay(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 2, Valid: time.Hour})
		for _, device := range []string{"b1", "b2"} {
			if _, cert := r.mustJoin(t, secret, device); r.admits(cert) != nil {
				t.Errorf("%s joined and is not admitted", device)
			}
		}
		if _, _, err := r.join(t, secret, "b3"); !errors.Is(err, ErrSecret) {
			t.Errorf("a third use of two: %v", err)
		}
		if _, _, err := r.join(t, "guess", "b3"); !errors.Is(err, ErrSecret) {
			t.Errorf("a guess: %v", err)
		}
		revoked, secret := r.token(t, TokenRequest{Site: "north", Uses: 2, Valid: time.Hour})
		if err := r.RevokeToken(t.Context(), "ana", revoked.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.join(t, secret, "b3"); !errors.Is(err, ErrSecret) {
			t.Errorf("a revoked token: %v", err)
		}
		_, secret = r.token(t, TokenRequest{Site: "north", Uses: 2, Valid: time.Hour})
		r.now = r.now.Add(time.Hour)
		if _, _, err := r.join(t, secret, "b3"); !errors.Is(err, ErrSecret) {
			t.Errorf("a token out of date: %v", err)
		}
		if _, err := r.Board(t.Context(), "b3"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a refused board is known: %v", err)
		}
	})
}

func TestStolenNameNeedsPermission(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
	_, first := r.mustJoin(t, secret, "b1")
	_, second := r.mustJoin(t, secret, "b1") // its first answer got lost: it never came
	if r.admits(first) == nil || r.admits(second) != nil {
		t.Error("the lost certificate still lets in, or the new one doesn't")
	}
	r.seen(t, "b1")
	if _, _, err := r.join(t, secret, "b1"); !errors.Is(err, ErrAlready) {
		t.Errorf("somebody else with the board's name: %v", err)
	}
	if err := r.admits(second); err != nil {
		t.Errorf("the attempt shut out the board: %v", err)
	}
	_, again := r.token(t, TokenRequest{Site: "south", Uses: 1, Valid: time.Hour, Rejoin: true})
	_, third := r.mustJoin(t, again, "b1")
	if r.admits(second) == nil || r.admits(third) != nil {
		t.Error("after joining anew, the old key lets in or the new one doesn't")
	}
	if n := len(r.gone); n == 0 || r.gone[n-1] != "b1" {
		t.Errorf("disconnected were %v", r.gone)
	}
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
		key, cert := r.mustJoin(t, secret, "b1")
		if err := r.admits(cert); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Revoke(t.Context(), "ana", "b1", "stolen"); err != nil {
			t.Fatal(err)
		}
		if r.admits(cert) == nil || len(r.gone) != 1 {
			t.Errorf("a revoked board is let in, or was not disconnected: %v", r.gone)
		}
		csr := brokertest.RequestWith(t, "b1", key)
		if _, err := r.Renew(t.Context(), cert, wire.JoinRequest{Contract: wire.Contract, Device: "b1", CSR: csr}); !errors.Is(err, ErrRevoked) {
			t.Errorf("renewal of a revoked board: %v", err)
		}
		if _, _, err := r.join(t, secret, "b1"); !errors.Is(err, ErrAlready) {
			t.Errorf("a revoked board with an ordinary token: %v", err)
		}
		after, err := Open(t.Context(), r.config, d, r.ca)
		if err != nil {
			t.Fatal(err)
		}
		if after.Admit("b1", authority.KeyHash(cert.RawSubjectPublicKeyInfo)) == nil {
			t.Error("a restart forgets the revocation")
		}
	})
}

func TestBoardThatWasAwayForMonthsRenews(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
	key, cert := r.mustJoin(t, secret, "b1")
	_, other := r.mustJoin(t, secret, "b2")
	r.now = r.now.AddDate(0, 5, 0)
	request := func(device, csr string) wire.JoinRequest {
		return wire.JoinRequest{Contract: wire.Contract, Device: device, CSR: csr, Version: "2"}
	}
	_, foreign := brokertest.Request(t, "b1")
	for name, c := range map[string]struct {
		had *x509.Certificate
		r   wire.JoinRequest
	}{
		"for another key":         {cert, request("b1", foreign)},
		"for another board":       {cert, request("b2", brokertest.RequestWith(t, "b2", key))},
		"with another's proof":    {other, request("b1", brokertest.RequestWith(t, "b1", key))},
		"the request names other": {cert, request("b2", brokertest.RequestWith(t, "b1", key))},
	} {
		if _, err := r.Renew(t.Context(), c.had, c.r); !errors.Is(err, authority.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	answer, err := r.Renew(t.Context(), cert, request("b1", brokertest.RequestWith(t, "b1", key)))
	if err != nil {
		t.Fatal(err)
	}
	fresh := certificate(t, answer)
	if err := r.admits(fresh); err != nil || !fresh.NotAfter.After(r.now) {
		t.Errorf("a renewed certificate until %v: %v", fresh.NotAfter, err)
	}
	if b, err := r.Board(t.Context(), "b1"); err != nil || !b.CertificateUntil().Equal(fresh.NotAfter) || b.Agent != "2" {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestHistoryOutlivesWhatBecomesOfABoard(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		ctx := t.Context()
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
		r.mustJoin(t, secret, "old")
		_, newer := r.mustJoin(t, secret, "new")
		if _, err := r.Rename(ctx, "ana", "old", "gate"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Move(ctx, "ana", "old", "south", "row 3"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Desire(ctx, "ana", "old", map[string]any{"keep_pictures_mb": 300.0}); err != nil {
			t.Fatal(err)
		}
		if len(r.told) != 3 {
			t.Errorf("told was %q", r.told)
		}
		if _, err := r.Replace(ctx, "ana", "old", "new"); err != nil {
			t.Fatal(err)
		}
		b, err := r.Board(ctx, "new")
		if err != nil || b.Name != "gate" || b.Site != "south" || b.Group != "row 3" || b.Desired().Settings["keep_pictures_mb"] != 300.0 || r.admits(newer) != nil {
			t.Errorf("%+v, %v", b, err)
		}
		old, err := r.Board(ctx, "old")
		if err != nil || old.Health() != GoneAway || old.Successor != "new" {
			t.Errorf("%+v, %v", old, err)
		}
		if _, err := r.Replace(ctx, "ana", "old", "new"); !errors.Is(err, ErrState) {
			t.Errorf("replaced twice: %v", err)
		}
		r.mustJoin(t, secret, "old") // a board that was removed is a new one with a past
		events, err := r.History(ctx, "old", 100)
		if err != nil {
			t.Fatal(err)
		}
		var what []string
		for _, e := range events {
			what = append(what, e.What)
		}
		if got := fmt.Sprint(what); got != "[rejoined replace set move rename joined]" {
			t.Errorf("history: %s", got)
		}
	})
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	_, secret := r.token(t, TokenRequest{Site: "north", Uses: 9, Valid: time.Hour})
	r.mustJoin(t, secret, "b1")
	for _, name := range []string{"", "   ", "a\x00b", "\u202e", string(bytes.Repeat([]byte("x"), 81)), "\xff"} {
		if _, err := r.Rename(t.Context(), "ana", "b1", name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := r.Rename(t.Context(), "ana", "nobody", "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown board: %v", err)
	}
}

func TestListsByPage(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		_, secret := r.token(t, TokenRequest{Site: "north", Uses: 99, Valid: time.Hour})
		for n := range 7 {
			device := fmt.Sprintf("b%d", n)
			r.mustJoin(t, secret, device)
			if _, err := r.Rename(t.Context(), "ana", device, []string{"twin", "Ñandú 50%", "c_d"}[n%3]); err != nil {
				t.Fatal(err)
			}
		}
		var seen []string
		filter := Filter{Limit: 2}
		for {
			boards, next, err := r.List(t.Context(), filter)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range boards {
				seen = append(seen, b.Device)
			}
			if next == "" {
				break
			}
			filter.After = next
		}
		distinct := map[string]bool{}
		for _, device := range seen {
			distinct[device] = true
		}
		if len(seen) != 7 || len(distinct) != 7 {
			t.Errorf("the pages show %v", seen)
		}
		for search, want := range map[string]int{"TWIN": 3, "50%": 2, "%": 2, "_": 2, "c_": 2, "b6": 1, "nor": 7, "'": 0, `\`: 0} {
			if n, err := r.Count(t.Context(), Filter{Search: search}); err != nil || n != want {
				t.Errorf("%q finds %d, expected are %d, %v", search, n, want, err)
			}
		}
		if n, err := r.Count(t.Context(), Filter{Site: "south"}); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestTokenAsPicture(t *testing.T) {
	t.Parallel()
	r := setup(t, dbtest.SQLite(t))
	_, text, err := r.NewToken(t.Context(), "ana", TokenRequest{Site: "north", Uses: 1, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	path, size, err := QR(text)
	if err != nil || size < 40 {
		t.Fatalf("%d fields, %v", size, err)
	}
	// The eyes by which a reader finds the code: seven dark fields in a row
	// within a border of four.
	for x := range 7 {
		if field := fmt.Sprintf("M%d 4h1v1h-1z", x+4); !strings.Contains(path, field) {
			t.Errorf("%s is missing", field)
		}
	}
	if strings.Contains(path, "M0 0h") {
		t.Error("there is no border")
	}
}

package membership

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gourdian/agent/internal/membership/hubtest"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const device = "0011223344556677"

// hub starts one whose certificate holds a year around now.
func hub(t *testing.T) *hubtest.Hub {
	t.Helper()
	ca := hubtest.NewCA(t)
	return hubtest.Start(t, ca, ca.Server(t, x509.ExtKeyUsageServerAuth, time.Now().AddDate(0, -6, 0), time.Now().AddDate(0, 6, 0)))
}

func request(t *testing.T, token wire.Token) Request {
	t.Helper()
	return Request{Data: t.TempDir(), Device: device, Token: token.String(), Version: "test", Clock: Clock{Now: time.Now}}
}

// untouched holds that a board is as it was before.
func untouched(t *testing.T, r Request) {
	t.Helper()
	left, err := os.ReadDir(r.Data)
	if err != nil || len(left) > 0 {
		t.Errorf("a failed join left %v, %v", left, err)
	}
	if _, err := Load(r.Data); !errors.Is(err, ErrNone) || Mark(r.Data) != "" {
		t.Errorf("membership after a failed join: %v", err)
	}
}

func TestJoinedBoardFindsItsHubAgain(t *testing.T) {
	t.Parallel()
	h := hub(t)
	r := request(t, h.Token())
	if _, err := Join(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	m, err := Load(r.Data)
	if err != nil || m.Hub != h.URL || m.Broker != h.Broker || m.Site != "Oak farm" || m.Name != "North field" || m.Device() != device {
		t.Fatalf("%+v, %v", m, err)
	}
	err = filepath.WalkDir(r.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == r.Data {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := Mark(r.Data)
	if _, err := Join(t.Context(), r); err != nil || Mark(r.Data) == before {
		t.Errorf("joining again: %v, mark %q was %q", err, Mark(r.Data), before)
	}
	again, err := Load(r.Data)
	if err != nil || !again.key().Equal(m.key()) {
		t.Errorf("the hub does not know the board again: another key, %v", err)
	}
	r.Token = hub(t).Token().String()
	if other, err := Join(t.Context(), r); err != nil || other.key().Equal(m.key()) {
		t.Errorf("two hubs see the same key: %v", err)
	}
	if err := Leave(r.Data); err != nil {
		t.Fatal(err)
	}
	untouched(t, r)
	if err := Leave(r.Data); !errors.Is(err, ErrNone) {
		t.Errorf("leaving twice: %v", err)
	}
}

func TestAddressOfTheCommandLineWins(t *testing.T) {
	t.Parallel()
	h := hub(t)
	token := h.Token()
	token.Hub = "https://127.0.0.1:1"
	r := request(t, token)
	if _, err := Join(t.Context(), r); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody is there: %v", err)
	}
	untouched(t, r)
	r.Hub = h.URL + "/"
	if m, err := Join(t.Context(), r); err != nil || m.Hub != r.Hub {
		t.Errorf("%v", err)
	}
}

// TestHubUnderAnotherAddressHasItsBrokerThere: behind a router that forwards
// ports, what the hub calls itself leads nowhere.
func TestHubUnderAnotherAddressHasItsBrokerThere(t *testing.T) {
	t.Parallel()
	h := hub(t)
	h.Broker = "hub.elsewhere.example:18883"
	r := request(t, h.Token())
	if m, err := Join(t.Context(), r); err != nil || m.Broker != h.Broker {
		t.Errorf("under its own address: %v", err)
	}
	r.Hub = h.URL
	if _, err := Join(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	m, err := Load(r.Data)
	if err != nil || m.Broker != "127.0.0.1:18883" {
		t.Fatalf("broker %v, %v", m, err)
	}
	if m, err = m.Renew(t.Context(), r.Data, "test", r.Clock); err != nil || m.Broker != "127.0.0.1:18883" {
		t.Errorf("renewed: %v, %v", m, err)
	}
}

func TestOnlyTheHubOfTheTokenIsTrusted(t *testing.T) {
	t.Parallel()
	ca, other := hubtest.NewCA(t), hubtest.NewCA(t)
	from, until := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	stranger := other.Server(t, x509.ExtKeyUsageServerAuth, from, until)
	liar := other.Server(t, x509.ExtKeyUsageServerAuth, from, until)
	liar.Certificate = append(liar.Certificate, ca.Certificate.Raw) // shows the right CA and comes from another
	board := ca.Server(t, x509.ExtKeyUsageClientAuth, from, until)
	for name, server := range map[string]func() *hubtest.Hub{
		"another CA":              func() *hubtest.Hub { return hubtest.Start(t, ca, stranger) },
		"another CA beside ours":  func() *hubtest.Hub { return hubtest.Start(t, ca, liar) },
		"a board that plays hub ": func() *hubtest.Hub { return hubtest.Start(t, ca, board) },
	} {
		h := server()
		r := request(t, h.Token())
		if _, err := Join(t.Context(), r); !errors.Is(err, ErrOtherHub) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(h.Requests()); n > 0 {
			t.Errorf("%s was told the secret", name)
		}
		untouched(t, r)
	}
}

func TestClockInNineteenSeventy(t *testing.T) {
	t.Parallel()
	h := hub(t)
	r := request(t, h.Token())
	r.Clock.Now = func() time.Time { return time.Unix(60, 0) }
	if _, err := Join(t.Context(), r); !errors.Is(err, ErrClock) || !strings.Contains(err.Error(), "1970") {
		t.Errorf("a program that does not know when it was built: %v", err)
	}
	untouched(t, r)
	r.Clock.Built = time.Now().AddDate(0, -1, 0)
	m, err := Join(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if at := m.Time(r.Clock); time.Since(at) > time.Hour {
		t.Errorf("certificates are checked at %v, before the board's own was made", at)
	}
	r.Clock.Now = func() time.Time { return time.Now().AddDate(30, 0, 0) }
	if _, err := Join(t.Context(), r); !errors.Is(err, ErrClock) {
		t.Errorf("a clock that is far ahead: %v", err)
	}
}

func TestRefusalsAreTheHubsWords(t *testing.T) {
	t.Parallel()
	h := hub(t)
	token := h.Token()
	token.Secret = "guessed"
	r := request(t, token)
	_, err := Join(t.Context(), r)
	var refused *RefusedError
	if !errors.As(err, &refused) || !refused.Final() || !strings.Contains(err.Error(), "this token has expired (make a new one)") {
		t.Errorf("%v", err)
	}
	untouched(t, r)
	r.Token = "gourdian1.x"
	if _, err := Join(t.Context(), r); !errors.Is(err, wire.ErrToken) {
		t.Errorf("%v", err)
	}
}

func TestAnswersThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	other := hubtest.NewCA(t)
	for name, tamper := range map[string]func(*wire.JoinAnswer){
		"another CA":        func(a *wire.JoinAnswer) { a.CA = other.PEM() },
		"not our key":       func(a *wire.JoinAnswer) { a.Certificate = a.CA },
		"no certificate":    func(a *wire.JoinAnswer) { a.Certificate = "none" },
		"no broker":         func(a *wire.JoinAnswer) { a.Broker = "" },
		"CA in half a file": func(a *wire.JoinAnswer) { a.CA = a.CA[:100] },
	} {
		h := hub(t)
		h.Tamper = tamper
		r := request(t, h.Token())
		if m, err := Join(t.Context(), r); err == nil {
			t.Errorf("%s: joined as %+v", name, m)
		}
		untouched(t, r)
	}
}

func TestHubThatNeverAnswersEndsWithItsContext(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, nobody speaks
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	token := wire.Token{Hub: "https://" + silent.Addr().String(), CA: strings.Repeat("ab", 32), Secret: "x"}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := request(t, token)
	if _, err := Join(ctx, r); !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	untouched(t, r)
}

func TestFolderThatCanNotBeWrittenCostsNoToken(t *testing.T) {
	t.Parallel()
	h := hub(t)
	r := request(t, h.Token())
	r.Data = filepath.Join(r.Data, "missing")
	if _, err := Join(t.Context(), r); !errors.Is(err, fs.ErrNotExist) || len(h.Requests()) > 0 {
		t.Errorf("%v, %d requests", err, len(h.Requests()))
	}
}

// TestRootJoinsForTheUserOfTheFolder needs root, as the package's own use does.
func TestRootJoinsForTheUserOfTheFolder(t *testing.T) {
	t.Parallel()
	h := hub(t)
	r := request(t, h.Token())
	want := os.Geteuid()
	if want == 0 {
		want = 4711
		if err := os.Chown(r.Data, want, want); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Join(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", keyName, certName, caName, hubName} {
		info, err := os.Stat(filepath.Join(r.Data, folderName, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != want {
			t.Errorf("%q belongs to %d, want %d", name, owner, want)
		}
	}
}

func TestBoardThatWasAwayForMonthsComesBack(t *testing.T) {
	t.Parallel()
	h := hub(t)
	start := time.Now().AddDate(0, -5, 0)
	h.Now = func() time.Time { return start }
	r := request(t, h.Token())
	m, err := Join(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, until := m.Validity(); until.After(time.Now()) {
		t.Fatalf("the certificate holds until %v", until)
	}
	h.Now = time.Now
	before := Mark(r.Data)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	renewer := NewRenewer(r.Data, "test", r.Clock, log)
	if err := renewer.look(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	fresh, err := Load(r.Data)
	if err != nil || Mark(r.Data) == before {
		t.Fatalf("%v, mark %q", err, Mark(r.Data))
	}
	if _, until := fresh.Validity(); until.Before(time.Now().AddDate(0, 0, 29)) {
		t.Errorf("renewed until %v", until)
	}
	if err := renewer.look(t.Context(), false); err != nil || len(h.Requests()) != 2 {
		t.Errorf("%d requests, %v: a fresh certificate is not renewed", len(h.Requests()), err)
	}
	if err := renewer.look(t.Context(), true); err != nil || len(h.Requests()) != 3 {
		t.Errorf("%d requests, %v: the hub says that it ended", len(h.Requests()), err)
	}
	var refused *RefusedError
	h.Refuse = &wire.Token{}
	if err := renewer.look(t.Context(), true); !errors.As(err, &refused) {
		t.Errorf("a revoked board: %v", err)
	}
	if again, err := Load(r.Data); err != nil || again.Device() != device {
		t.Errorf("a refused renewal cost the membership: %v", err)
	}
}

func TestCertificateIsRenewedWhenAThirdIsLeft(t *testing.T) {
	t.Parallel()
	h := hub(t)
	r := request(t, h.Token())
	m, err := Join(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	from, _ := m.Validity()
	if left := m.renewal().Sub(from); left < 19*24*time.Hour || left > 21*24*time.Hour {
		t.Errorf("renewed after %v of 30 days", left)
	}
}

func TestRenewalsThatFailArePausedLongerAndLonger(t *testing.T) {
	t.Parallel()
	for failures, most := range []time.Duration{time.Minute, 3 * time.Minute, 5 * time.Minute, 9 * time.Minute} {
		for range 200 {
			if p := pause(failures); p < lookEvery || p > most {
				t.Fatalf("%v after %d failures, at most %v", p, failures, most)
			}
		}
	}
	if p := pause(1000); p > lookEvery+longestPause {
		t.Errorf("%v", p)
	}
}

func TestRenewerRestsWhileThereIsNothingToRenew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		renewer := NewRenewer(t.TempDir(), "test", Clock{Now: time.Now}, slog.New(slog.NewTextHandler(t.Output(), nil)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- renewer.Run(ctx) }()
		<-time.After(time.Hour)
		renewer.Early()
		renewer.Early()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestDamagedMembershipIsAnErrorAndNoMembership(t *testing.T) {
	t.Parallel()
	h := hub(t)
	for _, name := range []string{keyName, certName, caName, hubName} {
		r := request(t, h.Token())
		if _, err := Join(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(r.Data, folderName, name)
		if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(r.Data); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

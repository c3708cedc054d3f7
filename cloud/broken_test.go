package cloud

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/cloud/internal/broker"
	"gourdian/cloud/internal/broker/brokertest"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/fleet"
	"gourdian/internal/wire"
)

// broken is a running hub with a board and an admin at a browser.
type broken struct {
	*Hub
	t      *testing.T
	client *http.Client
}

const device = "b1"

func startBroken(t *testing.T) *broken {
	t.Helper()
	h, out, _ := start(t, testConfig(t.TempDir()))
	b := &broken{h, t, setUp(t, h, out)}
	_, text, err := h.boards.fleet.NewToken(t.Context(), "ana", fleet.TokenRequest{Site: "north", Uses: 1, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	_, csr := brokertest.Request(t, device)
	request := wire.JoinRequest{Contract: wire.Contract, Secret: token.Secret, Device: device, CSR: csr, Version: "test"}
	if _, err := h.boards.fleet.Join(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	return b
}

// send hands in records as a board does; nil = they are acknowledged.
func (b *broken) send(first, last uint64) error {
	b.t.Helper()
	batch := wire.Batch{Contract: wire.Contract, Epoch: "e1", First: first, Oldest: 1}
	for seq := first; seq <= last; seq++ {
		data, err := json.Marshal(wire.Record{
			Device: device, Epoch: "e1", Seq: seq, Boot: "boot", CapturedAt: time.Unix(1e9, 0), WallAt: time.Unix(1e9, 0), Clock: wire.ClockSynced,
			Camera: "c1", Frames: 3, Seconds: 1, Model: strings.Repeat("ab", 32), Preprocess: "p", Variant: "fp32",
			Probabilities: map[string]float64{"good": 1}, Verdict: wire.Good,
		})
		if err != nil {
			b.t.Fatal(err)
		}
		batch.Records = append(batch.Records, data)
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.boards.ingest.Receive(b.t.Context(), broker.Message{Device: device, Session: 1, Name: wire.TopicRecords, Payload: payload, At: time.Now()})
}

// through is the number up to which the hub has every record.
func (b *broken) through() uint64 {
	b.t.Helper()
	_, body, _ := ask(b.t, b.client, http.MethodGet, b.Plain()+"/api/v1/boards/"+device, nil)
	var board struct {
		Streams []struct{ Through, Records uint64 }
	}
	if err := json.Unmarshal([]byte(body), &board); err != nil || len(board.Streams) != 1 || board.Streams[0].Records != board.Streams[0].Through {
		b.t.Fatalf("%v in %s", err, body)
	}
	return board.Streams[0].Through
}

// says looks at the hub's health and expects the words on the page, and the code
// for programs.
func (b *broken) says(code, words string) {
	b.t.Helper()
	b.health.Look(b.t.Context())
	status, body, _ := ask(b.t, b.client, http.MethodGet, b.Plain()+"/healthz", nil)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, `"`+code+`"`) {
		b.t.Errorf("/healthz: %d %s", status, body)
	}
	status, page, _ := ask(b.t, b.client, http.MethodGet, b.Plain()+"/health", nil)
	if status != http.StatusOK || !strings.Contains(page, words) {
		b.t.Errorf("the page does not say %q: %d\n%s", words, status, page)
	}
}

// well expects that the hub no longer says so.
func (b *broken) well(code string) {
	b.t.Helper()
	b.health.Look(b.t.Context())
	if _, body, _ := ask(b.t, b.client, http.MethodGet, b.Plain()+"/healthz", nil); strings.Contains(body, `"`+code+`"`) {
		b.t.Errorf("all is well again, and /healthz says %s", body)
	}
}

// limit lets the database file grow no more, as a full disk does, or lets it.
func (b *broken) limit(full bool) {
	b.t.Helper()
	pages := "PRAGMA max_page_count = 4294967294"
	if full {
		pages = "PRAGMA max_page_count = 1" // SQLite takes what it has for the least
	}
	var now int64
	if err := b.db.Write().NewRaw(pages).Scan(b.t.Context(), &now); err != nil {
		b.t.Fatal(err)
	}
}

func TestFullDiskIsSaidAndLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	b := startBroken(t)
	if err := b.send(1, 20); err != nil {
		t.Fatal(err)
	}
	b.limit(true)
	acked := uint64(20)
	for first := uint64(21); ; first += 50 { // what is left in the file's pages is used up
		if err := b.send(first, first+49); err != nil {
			break
		}
		if acked = first + 49; acked > 5000 {
			t.Fatal("the database takes everything: it is not full")
		}
	}
	b.says("records_not_kept", "What boards report can’t be kept.")
	if got := b.through(); got != acked {
		t.Errorf("the hub has %d records and acknowledged %d", got, acked)
	}
	b.limit(false)
	if err := b.send(acked+1, acked+50); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	if got := b.through(); got != acked+50 {
		t.Errorf("the hub has %d records and acknowledged %d", got, acked+50)
	}
	b.well("records_not_kept")
}

func TestDatabaseThatTakesNothingLocksNobodyOut(t *testing.T) {
	t.Parallel()
	b := startBroken(t)
	admins, err := b.people.List(t.Context())
	if err != nil || len(admins) != 1 {
		t.Fatalf("%d people, %v", len(admins), err)
	}
	token, err := b.people.NewToken(t.Context(), admins[0], "a program")
	if err != nil {
		t.Fatal(err)
	}
	// As if the last visit was long ago: the next one is to be written down.
	for _, column := range []string{"UPDATE person SET seen_at = 0", "UPDATE api_token SET used_at = 0"} {
		if _, err := b.db.Write().NewRaw(column).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.db.Write().NewRaw("PRAGMA query_only = 1").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _, to := ask(t, b.client, http.MethodGet, b.Plain()+"/health", nil); status != http.StatusOK {
		t.Errorf("who is logged in can't read why: %d to %q", status, to)
	}
	if status, body, _ := ask(t, browser(t), http.MethodGet, b.Plain()+"/api/v1/status", nil, "Authorization", "Bearer "+token); status != http.StatusOK {
		t.Errorf("a program can't read why: %d %s", status, body)
	}
}

func TestDatabaseFileThatIsCutShort(t *testing.T) {
	t.Parallel()
	b := startBroken(t)
	if err := b.send(1, 200); err != nil {
		t.Fatal(err)
	}
	file := b.config.DSN()
	if _, err := b.db.Write().NewRaw("PRAGMA wal_checkpoint(TRUNCATE)").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.well("database_damaged")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, int64(len(whole)-8192)); err != nil {
		t.Fatal(err)
	}
	b.health.Look(t.Context())
	if _, body, _ := ask(t, b.client, http.MethodGet, b.Plain()+"/healthz", nil); !strings.Contains(body, `"failing"`) {
		t.Errorf("/healthz of a hub whose database was cut: %s", body)
	}
	if found := b.health.Conditions(); len(found) == 0 || found[0].Code != "database_damaged" {
		t.Errorf("conditions: %+v", found)
	}
}

// TestStartOnADamagedDatabase: neither a file that is cut short nor an empty one
// is taken for a new hub, which whoever comes first could set up.
func TestStartOnADamagedDatabase(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	_, _, stop := start(t, config)
	stop()
	whole, err := os.ReadFile(config.DSN())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file []byte // nil = gone
		want error
	}{
		"cut in the middle": {whole[:len(whole)/2/4096*4096], db.ErrDamaged},
		"no database":       {[]byte(strings.Repeat("pumpkin ", 4096)), db.ErrDamaged},
		"empty":             {[]byte{}, errEmptied},
		"gone":              {nil, errEmptied},
	} {
		for _, left := range []string{"", "-wal", "-shm"} {
			if err := os.RemoveAll(config.DSN() + left); err != nil {
				t.Fatal(err)
			}
		}
		if tc.file != nil {
			if err := os.WriteFile(config.DSN(), tc.file, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out := &screen{}
		_, err := New(t.Context(), config, Build{}, slog.New(slog.DiscardHandler), out)
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(config.DSN()); tc.file != nil && (err != nil || string(left) != string(tc.file)) {
			t.Errorf("%s: the start changed the file, %v", name, err)
		}
	}
}

func TestBlobFolderThatTakesNothing(t *testing.T) {
	t.Parallel()
	b := startBroken(t)
	b.well("pictures_not_kept")
	pictures := filepath.Join(b.config.Data, "blobs", "pictures")
	// Permissions stop nobody who is root; a file in the folder's place does.
	if err := errors.Join(os.Rename(pictures, pictures+".aside"), os.WriteFile(pictures, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.says("pictures_not_kept", "No picture and no model can be kept.")
	if err := b.send(1, 20); err != nil || b.through() != 20 {
		t.Errorf("records are refused with the pictures: %v", err)
	}
	if err := errors.Join(os.Remove(pictures), os.Rename(pictures+".aside", pictures)); err != nil {
		t.Fatal(err)
	}
	b.well("pictures_not_kept")
}

func TestClockInNineteenSeventy(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	config := testConfig(t.TempDir())
	if err := checkFolder(config, Build{Time: built}, time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), "1970-01-01") {
		t.Errorf("a hub makes its keys in 1970: %v", err)
	}
	h, _, _ := start(t, config)
	if err := checkFolder(config, Build{Time: built}, time.Unix(0, 0)); err != nil {
		t.Errorf("a hub that has its keys does not start in 1970: %v", err)
	}
	now := time.Unix(0, 0)
	check := checkClock(func() time.Time { return now }, h.authority.From())
	if found := check(t.Context()); len(found) != 1 || found[0].Code != "clock_behind" || !strings.HasPrefix(found[0].Args["now"], "1970") {
		t.Errorf("in 1970: %+v", found)
	}
	now = time.Now()
	if found := check(t.Context()); len(found) != 0 {
		t.Errorf("the clock is right: %+v", found)
	}
}

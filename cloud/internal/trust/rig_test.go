package trust

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

// clock is set by a test. Boards look at the machine's, so it begins there.
type clock struct {
	mu sync.Mutex // guards at
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// grants is evidence that a test gives.
type grants struct {
	mu  sync.Mutex // guards all
	all map[string]Grant
}

func (g *grants) Grant(_ context.Context, bundle string) (Grant, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one, ok := g.all[bundle]; ok {
		return one, nil
	}
	return Grant{}, ErrNoGrant
}

func (g *grants) give(r Release) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all[r.Bundle] = Grant{ID: "gate-" + r.Bundle[:4], Bundle: r.Bundle, Version: r.Version}
}

func (g *grants) take(r Release) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, r.Bundle)
}

// rig is a repo with what it stands on.
type rig struct {
	*Repo
	dir    string
	clock  *clock
	grants *grants
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), clock: &clock{at: time.Now()}, grants: &grants{all: map[string]Grant{}}}
	r.open(t)
	return r
}

// open opens the repo (again), as a start of the hub does.
func (r *rig) open(t *testing.T) {
	t.Helper()
	repo, err := Open(t.Context(), Config{
		Dir: filepath.Join(r.dir, "trust"), Keys: filepath.Join(r.dir, "keys"), Evidence: r.grants, Now: r.clock.now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Repo = repo
}

// model is one that was granted.
func (r *rig) model(t *testing.T, letter string, version int64) Release {
	t.Helper()
	one := Release{Version: version, Name: "m" + letter, Bundle: strings.Repeat(letter, 64), ManifestBytes: 2000, Index: strings.Repeat("e", 64), IndexBytes: 900}
	r.grants.give(one)
	return one
}

func (r *rig) add(t *testing.T, one Release) {
	t.Helper()
	if err := r.Add(t.Context(), one); err != nil {
		t.Fatal(err)
	}
}

// published is all files as they are now: what somebody between hub and board
// could keep.
func (r *rig) published(t *testing.T) source {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, "trust", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := source{}
	for _, file := range files {
		data, err := r.Metadata(filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		s[filepath.Base(file)] = data
	}
	return s
}

// source is what a board is shown.
type source map[string][]byte

// DownloadFile implements fetcher.Fetcher.
func (s source) DownloadFile(address string, most int64, _ time.Duration) ([]byte, error) {
	data, ok := s[path.Base(address)]
	if !ok {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: address}
	}
	if int64(len(data)) > most {
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: "too long"}
	}
	return data, nil
}

func (s source) with(name string, data []byte) source {
	other := maps.Clone(s)
	other[name] = data
	return other
}

// board is a client of TUF with a root that it pinned once.
type board struct {
	root []byte
	dir  string
}

func (r *rig) board(t *testing.T) *board {
	t.Helper()
	return &board{root: []byte(r.RootText()), dir: t.TempDir()}
}

// look follows what it is shown, and returns what it may take of a model.
func (b *board) look(t *testing.T, s source, bundle string) (*metadata.TargetFiles, error) {
	t.Helper()
	c, err := config.New("https://hub.invalid", b.root)
	if err != nil {
		t.Fatal(err)
	}
	c.Fetcher, c.LocalMetadataDir, c.LocalTargetsDir = s, filepath.Join(b.dir, "metadata"), filepath.Join(b.dir, "targets")
	u, err := updater.New(c)
	if err != nil {
		return nil, err
	}
	if err := u.Refresh(); err != nil {
		return nil, err
	}
	return u.GetTargetInfo(PathOf(bundle))
}

// accepts and refuses say what a board must make of what it is shown.
func (b *board) accepts(t *testing.T, what string, s source, bundle string) {
	t.Helper()
	if target, err := b.look(t, s, bundle); err != nil || target.Length != 2000 {
		t.Errorf("%s: %+v, %v", what, target, err)
	}
}

func (b *board) refuses(t *testing.T, what string, s source, bundle string, is error) {
	t.Helper()
	if _, err := b.look(t, s, bundle); err == nil || is != nil && !errors.Is(err, is) {
		t.Errorf("%s: %v", what, err)
	}
}

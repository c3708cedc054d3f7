package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"gourdian/internal/keyring"
)

func TestBoardTakesAModelThatWasGranted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.model(t, "a", 3), r.model(t, "b", 4)
	r.add(t, a)
	one := r.board(t)
	one.accepts(t, "a granted model", r.published(t), a.Bundle)
	one.refuses(t, "one that nobody released", r.published(t), b.Bundle, nil)
	r.add(t, b)
	target, err := one.look(t, r.published(t), b.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	var says custom
	if err := json.Unmarshal(*target.Custom, &says); err != nil || says != (custom{4, "mb", b.Index, b.IndexBytes, "gate-bbbb"}) {
		t.Errorf("the target says %+v, %v", says, err)
	}
	if fmt.Sprintf("%x", []byte(target.Hashes["sha256"])) != b.Bundle {
		t.Error("its hash is not the bundle's id")
	}
}

func TestSignerSignsNothingWithoutAGrant(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.model(t, "a", 1), r.model(t, "b", 2)
	r.add(t, a)
	r.grants.take(b)
	before := r.published(t)
	if err := r.Add(t.Context(), b); !errors.Is(err, ErrNoGrant) {
		t.Fatalf("%v", err)
	}
	wrong := r.model(t, "c", 3)
	wrong.Version = 9 // granted was version 3
	if err := r.Add(t.Context(), wrong); !errors.Is(err, ErrNoGrant) {
		t.Fatalf("%v", err)
	}
	if after := r.published(t); len(after) != len(before) || !bytes.Equal(after[timestampName], before[timestampName]) {
		t.Error("something was published")
	}
	// A grant that goes takes its model along at the next signature.
	r.grants.take(a)
	r.open(t)
	r.board(t).refuses(t, "a model whose grant went", r.published(t), a.Bundle, nil)
}

func TestRollbackIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.model(t, "a", 1), r.model(t, "b", 2)
	r.add(t, a)
	old := r.published(t)
	r.clock.forward(time.Second)
	r.add(t, b)
	one := r.board(t)
	one.accepts(t, "the newest", r.published(t), b.Bundle)
	one.refuses(t, "everything older", old, a.Bundle, &metadata.ErrBadVersionNumber{})
	one.accepts(t, "the newest again", r.published(t), b.Bundle)
}

func TestFreezeIsNoticedWhenTheTimestampEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.clock.forward(-timestampLife - time.Hour) // the hub of days ago
	r.open(t)
	a := r.model(t, "a", 1)
	r.add(t, a)
	one := r.board(t)
	frozen := r.published(t)
	one.refuses(t, "what was kept for days", frozen, a.Bundle, &metadata.ErrExpiredMetadata{})
	r.clock.forward(timestampLife + time.Hour)
	if err := r.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.accepts(t, "what the hub renewed", r.published(t), a.Bundle)
}

func TestMixAndMatchIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.model(t, "a", 1), r.model(t, "b", 2)
	r.add(t, a)
	old, oldTargets := r.published(t), r.targets.Signed.Version
	r.clock.forward(time.Second)
	r.add(t, b)
	now := r.published(t)
	mixed := now.with(nameOf(keyring.TargetsRole, r.targets.Signed.Version), old[nameOf(keyring.TargetsRole, oldTargets)])
	r.board(t).refuses(t, "old models under a new snapshot", mixed, a.Bundle, nil)
	for name, data := range old {
		if strings.HasSuffix(name, ".snapshot.json") {
			mixed = now.with(nameOf(keyring.SnapshotRole, r.snapshot.Signed.Version), data)
		}
	}
	r.board(t).refuses(t, "an old snapshot under a new timestamp", mixed, b.Bundle, nil)
}

func TestOtherKeyIsRefused(t *testing.T) {
	t.Parallel()
	r, other := newRig(t), newRig(t)
	a := r.model(t, "a", 1)
	r.add(t, a)
	other.add(t, other.model(t, "a", 1))
	foreign := other.published(t)
	r.board(t).refuses(t, "another hub's", foreign, a.Bundle, nil)
	mine := r.published(t)
	// Each role for itself: a key that is right for one is wrong for the others.
	for _, role := range keyring.Online() {
		forged := forge(t, r, role)
		r.board(t).refuses(t, "a "+string(role)+" of a stranger", mine.with(forged.name, forged.data), a.Bundle, nil)
	}
	r.board(t).accepts(t, "the true ones", mine, a.Bundle)
}

type forgery struct {
	name string
	data []byte
}

// forge signs what is published for a role with a key of nobody.
func forge(t *testing.T, r *rig, role keyring.Role) forgery {
	t.Helper()
	key, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	name := ""
	switch role {
	case keyring.TargetsRole:
		m := *r.targets
		name = nameOf(role, m.Signed.Version)
		if err = signBy(&m, key); err == nil {
			data, err = m.ToBytes(false)
		}
	case keyring.SnapshotRole:
		m := *r.snapshot
		name = nameOf(role, m.Signed.Version)
		if err = signBy(&m, key); err == nil {
			data, err = m.ToBytes(false)
		}
	case keyring.TimestampRole:
		m := *r.timestamp
		m.Signed.Version++
		name = timestampName
		if err = signBy(&m, key); err == nil {
			data, err = m.ToBytes(false)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return forgery{name, data}
}

func TestTamperedListIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.model(t, "a", 1)
	r.add(t, a)
	name := nameOf(keyring.TargetsRole, r.targets.Signed.Version)
	s := r.published(t)
	swapped := bytes.ReplaceAll(s[name], []byte(strings.Repeat("a", 64)), []byte(strings.Repeat("d", 64)))
	if bytes.Equal(swapped, s[name]) {
		t.Fatal("nothing was swapped")
	}
	r.board(t).refuses(t, "another bundle's hash", s.with(name, swapped), strings.Repeat("d", 64), nil)
	r.board(t).refuses(t, "a cut list", s.with(name, s[name][:len(s[name])/2]), a.Bundle, nil)
	r.board(t).refuses(t, "an endless one", s.with(timestampName, bytes.Repeat([]byte(" "), 1<<20)), a.Bundle, nil)
}

func TestNoOtherFileIsReadByItsName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"../keys/targets.key", "/etc/passwd", "", "targets.json", "01.root.json", "1.root.json/", "1.timestamp.json", "9.root.json"} {
		if _, err := r.Metadata(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRestoredHubIsNotTakenForARollback(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.model(t, "a", 1), r.model(t, "b", 2)
	r.add(t, a)
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		r.clock.forward(time.Minute)
		r.open(t)
	}
	r.add(t, b)
	one := r.board(t)
	one.accepts(t, "before the disk broke", r.published(t), b.Bundle)
	r.dir = backup
	if err := filepath.Walk(backup, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			err = os.Chmod(path, 0o600) // as a restore has them
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r.clock.forward(time.Minute)
	r.open(t)
	one.accepts(t, "the restored hub", r.published(t), a.Bundle)
}

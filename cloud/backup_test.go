package cloud

import (
	"archive/tar"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/people"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBackupOfARunningHubComesBack on both databases: people, keys and pictures
// are as they were, and what came later is set aside.
func TestBackupOfARunningHubComesBack(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return dbtest.StartPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := testConfig(t.TempDir())
			config.Database = address(t)
			h, out, stop := start(t, config)
			setUp(t, h, out)
			picture := filepath.Join(config.Data, "blobs", "pictures", "ab", "abcd")
			write(t, picture, "pixels")
			file := filepath.Join(t.TempDir(), "hub.tar")
			if err := Backup(t.Context(), config, h.build, file); err != nil {
				t.Fatal(err)
			}
			if err := Backup(t.Context(), config, h.build, file); err == nil {
				t.Error("a backup was overwritten")
			}
			if _, err := h.people.Add(t.Context(), "ana", "late", people.Viewer); err != nil {
				t.Fatal(err)
			}
			write(t, picture, "other")
			if _, err := Restore(t.Context(), config, file, h.log); !errors.Is(err, errInUse) {
				t.Errorf("restore under a running hub: %v", err)
			}
			authority := h.authority.Hash()
			stop()
			before, err := Restore(t.Context(), config, file, h.log)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(filepath.Join(before, "blobs", "pictures", "ab", "abcd")); err != nil || string(text) != "other" {
				t.Errorf("set aside: %q, %v", text, err)
			}
			if text, err := os.ReadFile(picture); err != nil || string(text) != "pixels" {
				t.Errorf("picture: %q, %v", text, err)
			}
			h, _, _ = start(t, config)
			if list, err := h.people.List(t.Context()); err != nil || len(list) != 1 || list[0].Name != "ana" {
				t.Errorf("%+v, %v", list, err)
			}
			if h.authority.Hash() != authority {
				t.Error("the hub has another CA: every board would have to join again")
			}
		})
	}
}

// TestHostileBackups: what is damaged, cut off or points elsewhere is refused
// before anything of the hub is touched.
func TestHostileBackups(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	d := dbtest.Open(t, config.DSN())
	if err := people.NewAudit(d).Write(t.Context(), "x", "y", "z", ""); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "good.tar")
	write(t, filepath.Join(config.Data, "a"), "aaaa")
	if err := Backup(t.Context(), config, Build{Version: "test"}, good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	changed := []byte(strings.Replace(string(whole), "aaaa", "aaab", 1))
	files := map[string][]byte{
		"empty": nil, "cut off": whole[:len(whole)/2], "without its end": whole[:len(whole)-3072],
		"a byte changed": changed, "no tar": []byte(strings.Repeat("x", 2000)),
	}
	for name, entry := range map[string]tar.Header{
		"a way out":   {Name: "../out", Typeflag: tar.TypeReg},
		"a root path": {Name: "/tmp/out", Typeflag: tar.TypeReg},
		"a link":      {Name: "files/l", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	} {
		var b strings.Builder
		tw := tar.NewWriter(&b)
		if err := addText(tw, nil, headName, []byte(`{"format":1,"database":"sqlite"}`)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tw.WriteHeader(&entry), tw.Close()); err != nil {
			t.Fatal(err)
		}
		files[name] = []byte(b.String())
	}
	for name, data := range files {
		path := filepath.Join(t.TempDir(), "bad.tar")
		write(t, path, string(data))
		if before, err := Restore(t.Context(), config, path, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrBackup) || before != "" {
			t.Errorf("%s: %q, %v", name, before, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(config.Data, "a")); err != nil || string(text) != "aaaa" {
		t.Errorf("the hub was touched: %q, %v", text, err)
	}
	if entries, err := os.ReadDir(config.Data); err != nil || len(entries) > 5 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestLostPasswordHasAWayBack(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	h, out, _ := start(t, config)
	setUp(t, h, out)
	log := slog.New(slog.DiscardHandler)
	link, err := ResetPassword(t.Context(), config, "Ana", log)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(link, people.LinkPath)
	if one, err := h.people.Accept(t.Context(), secret, "", password+"!"); err != nil || one.Name != "ana" || one.Role != people.Admin {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := ResetPassword(t.Context(), config, "nobody", log); err == nil {
		t.Error("a person who is not there")
	}
}

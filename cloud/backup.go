package cloud

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gourdian/cloud/internal/db"
)

// A backup is one tar file: what it is, the database as it was at one moment,
// the files of the data folder, and the hash of all that as the last entry.
const (
	backupFormat = 1
	headName     = "backup.json"
	dumpName     = "database."
	filesName    = "files/"
	sumName      = "sha256"
	maxHead      = 1 << 16
)

// ErrBackup is wrapped by errors about a file that is no whole backup.
var ErrBackup = errors.New("this is no whole backup of a hub")

// backupHead says what a backup is of.
type backupHead struct {
	Format   int       `json:"format"`
	Version  string    `json:"version"` // of the hub
	Made     time.Time `json:"made"`
	Database db.Kind   `json:"database"`
}

// Backup writes a backup of the hub to a new file. The hub may run meanwhile:
// the database is copied first, and pictures and models never change, so that
// whatever the copy speaks of is there.
func Backup(ctx context.Context, config Config, build Build, file string) (err error) {
	if _, err := os.Stat(config.Data); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	scratch, err := os.MkdirTemp(filepath.Dir(file), ".backup-")
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // of this backup alone
	d, err := db.Open(ctx, db.Options{DSN: config.DSN(), AsIs: true})
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	dump := filepath.Join(scratch, dumpName+d.DumpExt())
	if err := errors.Join(d.Dump(ctx, dump), d.Close()); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	part := filepath.Join(scratch, "backup.tar")
	head := backupHead{Format: backupFormat, Version: build.Version, Made: time.Now().UTC(), Database: db.KindOf(config.DSN())}
	if err := writeBackup(part, head, dump, config.Data); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := os.Link(part, file); err != nil { // refuses to replace an older backup
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

func writeBackup(path string, head backupHead, dump, data string) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // after an error; else it is closed below
	sum := sha256.New()
	buffered := bufio.NewWriterSize(out, 1<<20)
	tw := tar.NewWriter(buffered)
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if err := addText(tw, sum, headName, text); err != nil {
		return err
	}
	if err := addFile(tw, sum, filepath.Base(dump), dump); err != nil {
		return err
	}
	err = filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		name, relErr := filepath.Rel(data, path)
		if err = errors.Join(err, relErr); err != nil {
			return err
		}
		switch {
		case entry.IsDir() && !kept(name):
			return filepath.SkipDir
		case !entry.Type().IsRegular(), !kept(name):
			return nil
		}
		err = addFile(tw, sum, filesName+filepath.ToSlash(name), path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := addText(tw, nil, sumName, []byte(hex.EncodeToString(sum.Sum(nil)))); err != nil {
		return err
	}
	return errors.Join(tw.Close(), buffered.Flush(), out.Sync(), out.Close())
}

// kept reports whether a path of the data folder belongs into a backup. The
// database is there as a copy; locks, older backups and half files are not.
func kept(name string) bool {
	base := filepath.Base(name)
	return name != lockName && name != backupsName && !strings.HasPrefix(name, databaseName) &&
		!strings.HasSuffix(base, ".part") && (name == "." || !strings.HasPrefix(base, "."))
}

func addText(tw *tar.Writer, sum hash.Hash, name string, text []byte) error {
	return addEntry(tw, sum, name, 0o600, int64(len(text)), bytes.NewReader(text))
}

func addFile(tw *tar.Writer, sum hash.Hash, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return addEntry(tw, sum, name, int64(info.Mode().Perm()), info.Size(), file)
}

// addEntry adds one entry and counts its name, size and content into the sum.
// A file that grows meanwhile is cut at the size that it had.
func addEntry(tw *tar.Writer, sum hash.Hash, name string, mode, size int64, content io.Reader) error {
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: size, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	var to io.Writer = tw
	if sum != nil {
		fmt.Fprintf(sum, "%s %d\n", name, size)
		to = io.MultiWriter(tw, sum)
	}
	if _, err := io.CopyN(to, content, size); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Restore replaces what the hub has by a backup. No hub may run. What was there
// is moved into a folder beside, whose path is returned ("" = there was
// nothing), but for a PostgreSQL, whose tables are replaced.
func Restore(ctx context.Context, config Config, file string, log *slog.Logger) (before string, err error) {
	unlock, err := lockFolder(config.Data)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer unlock()
	scratch, err := os.MkdirTemp(config.Data, ".restore-")
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // of this restore alone
	head, err := readBackup(file, scratch)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	if kind := db.KindOf(config.DSN()); kind != head.Database {
		return "", fmt.Errorf("restore: the backup is of a %s database, the config names a %s one", head.Database, kind)
	}
	log.Info("the backup is whole", "made", head.Made, "version", head.Version)
	if before, err = setAside(config.Data, filepath.Base(scratch)); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	if err := db.Undump(ctx, config.DSN(), filepath.Join(scratch, dumpName+db.DumpExt(head.Database))); err != nil {
		return before, fmt.Errorf("restore: %w", err)
	}
	entries, err := os.ReadDir(filepath.Join(scratch, "files"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return before, fmt.Errorf("restore: %w", err)
	}
	for _, entry := range entries {
		if err := os.Rename(filepath.Join(scratch, "files", entry.Name()), filepath.Join(config.Data, entry.Name())); err != nil {
			return before, fmt.Errorf("restore: %w", err)
		}
	}
	return before, nil
}

// setAside moves what a data folder holds into a folder of its backups.
func setAside(data, except string) (before string, err error) {
	entries, err := os.ReadDir(data)
	if err != nil {
		return "", err
	}
	target := filepath.Join(data, backupsName, "before-restore-"+time.Now().UTC().Format("20060102T150405.000"))
	for _, entry := range entries {
		name := entry.Name()
		if name == lockName || name == backupsName || name == except {
			continue
		}
		if before == "" {
			if err := os.MkdirAll(target, 0o700); err != nil {
				return "", err
			}
			before = target
		}
		if err := os.Rename(filepath.Join(data, name), filepath.Join(target, name)); err != nil {
			return before, err
		}
	}
	return before, nil
}

// readBackup unpacks a backup into a folder and checks that it is whole.
func readBackup(file, into string) (head backupHead, err error) {
	in, err := os.Open(file)
	if err != nil {
		return head, err
	}
	defer func() { _ = in.Close() }() // only read
	tr := tar.NewReader(bufio.NewReaderSize(in, 1<<20))
	sum := sha256.New()
	for n := 0; ; n++ {
		entry, err := tr.Next()
		if err != nil {
			return head, fmt.Errorf("%w: %w", ErrBackup, err) // the end comes before the sum
		}
		if entry.Name == sumName {
			text, err := io.ReadAll(io.LimitReader(tr, maxHead))
			if err != nil || string(text) != hex.EncodeToString(sum.Sum(nil)) || n < 2 {
				return head, fmt.Errorf("%w: its hash is another", ErrBackup)
			}
			return head, nil
		}
		fmt.Fprintf(sum, "%s %d\n", entry.Name, entry.Size)
		content := io.TeeReader(tr, sum)
		if n == 0 {
			if head, err = readHead(entry, content); err != nil {
				return head, err
			}
			continue
		}
		if err := unpack(entry, content, into); err != nil {
			return head, err
		}
	}
}

func readHead(entry *tar.Header, content io.Reader) (head backupHead, err error) {
	if entry.Name != headName || entry.Size > maxHead {
		return head, ErrBackup
	}
	text, err := io.ReadAll(content)
	if err == nil {
		err = json.Unmarshal(text, &head)
	}
	if err != nil {
		return head, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if head.Format != backupFormat {
		return head, fmt.Errorf("%w: it has format %d, this program knows %d", ErrBackup, head.Format, backupFormat)
	}
	return head, nil
}

// unpack writes one entry below the folder, and nothing anywhere else.
func unpack(entry *tar.Header, content io.Reader, into string) error {
	if entry.Typeflag != tar.TypeReg || !filepath.IsLocal(entry.Name) {
		return fmt.Errorf("%w: it holds %q", ErrBackup, entry.Name)
	}
	path := filepath.Join(into, filepath.FromSlash(entry.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(entry.Mode)&0o755|0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, content); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrBackup, err), out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}

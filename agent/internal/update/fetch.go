package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"gourdian/internal/bundle"
	"gourdian/internal/durable"
	"gourdian/internal/wire"
)

// maxIndex bounds a list of pieces: 256 MB in pieces of 64 KiB are 4,096 hashes.
const maxIndex = 1 << 20

// manifestName is the manifest's among the files of an index.
const manifestName = "manifest.json"

// index lists the pieces of a bundle.
type index struct {
	ChunkBytes int         `json:"chunk_bytes"`
	Files      []indexFile `json:"files"`
}

type indexFile struct {
	Bytes  int64    `json:"bytes"`
	Chunks []string `json:"chunks"`
	Name   string   `json:"name"`
	SHA256 string   `json:"sha256"`
}

// parseIndex checks that the pieces of each file make up its bytes.
func parseIndex(data []byte) (index, error) {
	var x index
	if err := json.Unmarshal(data, &x); err != nil {
		return x, fmt.Errorf("read list of pieces: %w", err)
	}
	if x.ChunkBytes < 1 || x.ChunkBytes > wire.MaxChunk || len(x.Files) > bundle.MaxFiles+1 {
		return x, fmt.Errorf("read list of pieces: pieces of %d bytes, %d files", x.ChunkBytes, len(x.Files))
	}
	total := int64(0)
	for _, f := range x.Files {
		n := (f.Bytes + int64(x.ChunkBytes) - 1) / int64(x.ChunkBytes)
		if total += f.Bytes; f.Bytes < 0 || total > wire.MaxModelBytes || int64(len(f.Chunks)) != n {
			return x, fmt.Errorf("read list of pieces: %.80q has %d bytes in %d pieces", f.Name, f.Bytes, len(f.Chunks))
		}
		for _, c := range f.Chunks {
			if raw, err := hex.DecodeString(c); err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != c {
				return x, fmt.Errorf("read list of pieces: %.80q is no hash", c)
			}
		}
	}
	return x, nil
}

// sizes are the bytes of a file's pieces.
func (x index) sizes(f indexFile) map[string]int64 {
	out := make(map[string]int64, len(f.Chunks))
	for i, c := range f.Chunks {
		out[c] = min(int64(x.ChunkBytes), f.Bytes-int64(i)*int64(x.ChunkBytes))
	}
	return out
}

func (x index) file(name string) (indexFile, bool) {
	i := slices.IndexFunc(x.Files, func(f indexFile) bool { return f.Name == name })
	if i < 0 {
		return indexFile{}, false
	}
	return x.Files[i], true
}

// download fetches a bundle's pieces as far as they are not here.
type download struct {
	folder  folder
	post    *post
	have    *shelf
	told    func(tally)
	allowed func(*bundle.Manifest) ([]string, error) // variants to take
	room    func(need int64) error                   // a refusal where there is none for so many bytes
}

// fetch puts the bundle of a release on disk and returns its path.
func (d *download) fetch(ctx context.Context, id string, r target) (string, error) {
	to := d.folder.bundle(id)
	if b, err := bundle.OpenPart(to); err == nil {
		ok := b.ID == id
		if err := b.Close(); ok && err == nil {
			return to, nil // it was here before
		}
	}
	for _, dir := range []string{piecesName, modelsName} {
		if err := os.MkdirAll(d.folder.path(dir), 0o700); err != nil {
			return "", onDisk(err)
		}
	}
	if r.IndexBytes < 1 || r.IndexBytes > maxIndex {
		return "", refuse(wire.StepFormat, fmt.Errorf("a list of pieces of %d bytes", r.IndexBytes))
	}
	listed, err := d.post.piece(ctx, r.Index, r.IndexBytes)
	if err != nil {
		return "", ofPost(err)
	}
	x, err := parseIndex(listed)
	if err != nil {
		return "", refuse(wire.StepFormat, err)
	}
	first, ok := x.file(manifestName)
	if !ok || first.Bytes != r.manifestBytes {
		return "", refuse(wire.StepFormat, errors.New("its list of pieces has another manifest"))
	}
	if err := d.pieces(ctx, first.Chunks, x.sizes(first), 0); err != nil {
		return "", ofPost(err)
	}
	raw, err := io.ReadAll(d.reader(first))
	if err != nil {
		return "", onDisk(err)
	}
	got, m, err := bundle.ParseManifest(raw)
	if err != nil {
		return "", ofBundle(err)
	}
	if got != id {
		return "", refuse(wire.StepHash, fmt.Errorf("the manifest is that of %s", got))
	}
	return to, d.rest(ctx, to, raw, m, x)
}

// rest fetches the files of the variants that the board takes, and puts the
// bundle together.
func (d *download) rest(ctx context.Context, to string, manifest []byte, m *bundle.Manifest, x index) error {
	variants, err := d.allowed(m)
	if err != nil {
		return err
	}
	files := m.Part(variants)
	var chunks []string
	sizes := x.sizes(indexFile{})
	if first, ok := x.file(manifestName); ok {
		chunks, sizes = append(chunks, first.Chunks...), x.sizes(first)
	}
	whole := int64(len(manifest))
	for _, f := range files {
		listed, ok := x.file(f.Name)
		if !ok || listed.Bytes != f.Size || listed.SHA256 != f.SHA256 {
			return refuse(wire.StepFormat, fmt.Errorf("its list of pieces has another %s", f.Name))
		}
		chunks, whole = append(chunks, listed.Chunks...), whole+f.Size
		maps.Copy(sizes, x.sizes(listed))
	}
	if err := d.tidy(sizes); err != nil {
		return onDisk(err)
	}
	if err := d.pieces(ctx, chunks, sizes, whole); err != nil {
		return ofPost(err)
	}
	return d.put(to, manifest, files, x)
}

// put writes the bundle, whole or not at all, and checks it as a board does.
func (d *download) put(to string, manifest []byte, files []bundle.File, x index) error {
	out, err := os.CreateTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return onDisk(err)
	}
	defer func() { _ = os.Remove(out.Name()) }() // it has another name by then, or is not wanted
	err = bundle.WritePart(out, manifest, files, func(f bundle.File) (io.Reader, error) {
		listed, _ := x.file(f.Name)
		return d.reader(listed), nil
	})
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return onDisk(err)
	}
	b, err := bundle.OpenPart(out.Name())
	if err != nil {
		return ofBundle(err)
	}
	if err = b.Close(); err != nil {
		return err
	}
	if err = os.Rename(out.Name(), to); err != nil {
		return onDisk(err)
	}
	return d.settle(to)
}

// settle makes a bundle's place last, and lets go of its pieces.
func (d *download) settle(to string) error {
	if err := durable.SyncFolder(filepath.Dir(to)); err != nil {
		return onDisk(err)
	}
	if err := os.RemoveAll(d.folder.path(piecesName)); err != nil {
		return onDisk(err)
	}
	return nil
}

// reader reads a file out of its pieces, wherever each lies.
func (d *download) reader(f indexFile) io.Reader {
	var readers []io.Reader
	for _, c := range f.Chunks {
		readers = append(readers, &lazy{open: func() (io.Reader, error) {
			data, ok := d.piece(c)
			if !ok {
				return nil, fmt.Errorf("piece %s is gone", c)
			}
			return bytes.NewReader(data), nil
		}})
	}
	return io.MultiReader(readers...)
}

// lazy opens what it reads when it is read.
type lazy struct {
	open func() (io.Reader, error)
	r    io.Reader
}

// Read implements io.Reader.
func (l *lazy) Read(p []byte) (int, error) {
	if l.r == nil {
		r, err := l.open()
		if err != nil {
			return 0, err
		}
		l.r = r
	}
	return l.r.Read(p)
}

// piece is one that is here, checked again.
func (d *download) piece(hash string) ([]byte, bool) {
	data, err := os.ReadFile(d.folder.path(piecesName, hash))
	if err == nil && sumOf(data) == hash {
		return data, true
	}
	return d.have.read(hash)
}

// tally is what a set of pieces costs.
type tally struct{ done, total, reused int64 }

// pieces fetches those that are not here. sizes says how many bytes each has at
// most. whole is what the bundle will take on disk beside them, 0 = nothing is
// told of this fetch.
func (d *download) pieces(ctx context.Context, hashes []string, sizes map[string]int64, whole int64) error {
	var lacks []*parcel
	var t tally
	seen := map[string]bool{}
	for _, h := range hashes {
		if seen[h] {
			continue
		}
		seen[h] = true
		t.total += sizes[h]
		if _, ok := d.piece(h); !ok {
			lacks = append(lacks, &parcel{name: h, most: sizes[h]})
			continue
		}
		t.done += sizes[h]
		if d.have.has(h) {
			t.reused += sizes[h]
		}
	}
	if whole > 0 {
		if err := d.room(whole + t.total - t.done); err != nil {
			return err
		}
		d.told(t)
	}
	return d.post.fetch(ctx, lacks, func(p *parcel, got []byte) error {
		if err := durable.WriteFile(d.folder.path(piecesName, p.name), got, private); err != nil {
			return onDisk(err)
		}
		t.done += int64(len(got))
		if whole > 0 {
			d.told(t)
		}
		return nil
	})
}

// tidy throws away pieces that are not of this bundle.
func (d *download) tidy(keep map[string]int64) error {
	entries, err := os.ReadDir(d.folder.path(piecesName))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := keep[e.Name()]; !ok {
			err = errors.Join(err, os.Remove(d.folder.path(piecesName, e.Name())))
		}
	}
	return err
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

package deliver

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
	"gourdian/internal/bundle"
	"gourdian/internal/wire"
)

// tarBlock is what a bundle's container works in.
const tarBlock = 512

// pieceBytes is the size of all pieces of a file but its last.
const pieceBytes = wire.MaxChunk

// Index lists the pieces of a bundle. Its JSON has the keys in the order of
// their names, so that the same bundle gives the same bytes.
type Index struct {
	ChunkBytes int    `json:"chunk_bytes"`
	Files      []File `json:"files"` // as they lie in the bundle, the manifest first
}

// File is one file of a bundle.
type File struct {
	Bytes  int64    `json:"bytes"`
	Chunks []string `json:"chunks"` // SHA-256 of each piece
	Name   string   `json:"name"`
	SHA256 string   `json:"sha256"`
}

// Listing is what is signed of a bundle's pieces.
type Listing struct {
	Sum           string // SHA-256 of the list
	Bytes         int64  // of the list
	ManifestBytes int64
}

type piecesRow struct {
	bun.BaseModel `bun:"table:model_pieces"`

	Bundle   string `bun:"bundle,pk"`
	Sum      string `bun:"sum"`
	Manifest int64  `bun:"manifest"`
	Body     string `bun:"body"`
}

// ErrUnknown: no bundle that boards may take has such a piece.
var ErrUnknown = errors.New("no such piece")

// Library finds pieces by their names. It is safe for concurrent use.
type Library struct {
	db    *db.DB
	blobs *blob.Store

	mu     sync.RWMutex // guards what follows
	known  map[string]Listing
	lists  map[string][]byte  // by their hash
	places map[string][]place // of pieces, by their hash; several bundles may hold one
}

// place is where a piece lies.
type place struct {
	blob string
	at   int64
	n    int
}

// NewLibrary returns a library of nothing.
func NewLibrary(d *db.DB, blobs *blob.Store) *Library {
	return &Library{db: d, blobs: blobs, known: map[string]Listing{}, lists: map[string][]byte{}, places: map[string][]place{}}
}

// Add lets boards ask for a bundle's pieces. Its list is made once and kept.
func (l *Library) Add(ctx context.Context, id, file string) (Listing, error) {
	l.mu.RLock()
	listing, ok := l.known[id]
	l.mu.RUnlock()
	if ok {
		return listing, nil
	}
	row := piecesRow{Bundle: id}
	err := l.db.Read().NewSelect().Model(&row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		row, err = l.list(ctx, id, file)
	}
	if err != nil {
		return Listing{}, fmt.Errorf("list pieces: %w", err)
	}
	var index Index
	if err := json.Unmarshal([]byte(row.Body), &index); err != nil {
		return Listing{}, fmt.Errorf("list pieces: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	listing = Listing{Sum: row.Sum, Bytes: int64(len(row.Body)), ManifestBytes: row.Manifest}
	l.known[id], l.lists[row.Sum] = listing, []byte(row.Body)
	at := int64(0)
	for _, f := range index.Files {
		at += tarBlock
		for i, sum := range f.Chunks {
			offset := int64(i) * int64(index.ChunkBytes)
			l.places[sum] = append(l.places[sum], place{file, at + offset, int(min(int64(index.ChunkBytes), f.Bytes-offset))})
		}
		at += (f.Bytes + tarBlock - 1) / tarBlock * tarBlock
	}
	return listing, nil
}

// list makes the list of a bundle's pieces and keeps it.
func (l *Library) list(ctx context.Context, id, file string) (piecesRow, error) {
	r, size, err := l.blobs.Open(ctx, blob.Bundles, file)
	if err != nil {
		return piecesRow{}, err
	}
	defer func() { _ = r.Close() }() // only read
	index, err := indexOf(io.LimitReader(r, size))
	if err != nil {
		return piecesRow{}, err
	}
	if len(index.Files) == 0 || index.Files[0].SHA256 != id {
		return piecesRow{}, fmt.Errorf("%w: the file is not that of %.12s", blob.ErrDamaged, id)
	}
	body, err := json.Marshal(index)
	if err != nil {
		return piecesRow{}, err
	}
	sum := sha256.Sum256(body)
	row := piecesRow{Bundle: id, Sum: hex.EncodeToString(sum[:]), Manifest: index.Files[0].Bytes, Body: string(body)}
	_, err = l.db.Write().NewInsert().Model(&row).On("CONFLICT (bundle) DO NOTHING").Exec(ctx)
	return row, err
}

// indexOf cuts a container into pieces.
func indexOf(r io.Reader) (Index, error) {
	index := Index{ChunkBytes: pieceBytes}
	container := tar.NewReader(r)
	for {
		entry, err := container.Next()
		if errors.Is(err, io.EOF) {
			return index, nil
		}
		if err != nil {
			return index, err
		}
		if len(index.Files) > bundle.MaxFiles || entry.Size > bundle.MaxSize {
			return index, bundle.ErrTooLarge
		}
		f := File{Name: entry.Name, Bytes: entry.Size, Chunks: []string{}}
		whole, piece := sha256.New(), make([]byte, pieceBytes)
		for {
			n, err := io.ReadFull(container, piece)
			if n > 0 {
				whole.Write(piece[:n])
				sum := sha256.Sum256(piece[:n])
				f.Chunks = append(f.Chunks, hex.EncodeToString(sum[:]))
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			if err != nil {
				return index, err
			}
		}
		f.SHA256 = hex.EncodeToString(whole.Sum(nil))
		index.Files = append(index.Files, f)
	}
}

// Piece returns what has a hash: a piece of a bundle, or a list of pieces. Its
// bytes were checked.
func (l *Library) Piece(ctx context.Context, sum string) (data []byte, list bool, err error) {
	l.mu.RLock()
	body, list := l.lists[sum]
	where, ok := l.places[sum]
	l.mu.RUnlock()
	switch {
	case list:
		return body, true, nil
	case !ok:
		return nil, false, ErrUnknown
	}
	for i := len(where) - 1; i >= 0; i-- { // the newest bundle was deleted last
		if data, err = l.part(ctx, where[i], sum); err == nil {
			return data, false, nil
		}
	}
	return nil, false, err
}

func (l *Library) part(ctx context.Context, where place, sum string) ([]byte, error) {
	data, err := l.blobs.Part(ctx, blob.Bundles, where.blob, where.at, where.n)
	if err != nil {
		return nil, err
	}
	if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
		return nil, fmt.Errorf("%w: a piece of %s", blob.ErrDamaged, where.blob)
	}
	return data, nil
}

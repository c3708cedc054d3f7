package feature

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/capture"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

const (
	// maxExamples bounds memory and the time of a search: 5,000 vectors of 1,280
	// values are 26 MB.
	maxExamples = 5000
	// refresh is how long a new label may take to be an example.
	refresh = 20 * time.Second
)

// Pictures are the labelled ones; *sample.Store is one.
type Pictures interface {
	List(ctx context.Context, f sample.Filter, after sample.Cursor, most int) (page []sample.Sample, next sample.Cursor, ok bool, err error)
	Picture(ctx context.Context, hash string) ([]byte, error)
}

// Backbone embeds a tensor; *predict.Service is one.
type Backbone interface {
	State() predict.State
	Embed(ctx context.Context, in vision.Tensor) ([]float32, predict.Model, error)
}

// Index finds labelled pictures. Nearest may be used by many goroutines.
type Index struct {
	db       *db.DB
	pictures Pictures
	look     sample.Preparer
	backbone Backbone
	order    func(ctx context.Context, w Work) error // has Compute called; the same work is done once
	log      *slog.Logger

	mu       sync.RWMutex // guards what follows
	space    string
	examples []example
}

type example struct {
	hash   string
	label  wire.Verdict
	vector []float32 // of length 1
}

// Neighbour is a labelled picture beside a new one.
type Neighbour struct {
	Hash     string
	Label    wire.Verdict
	Distance float64 // cosine, 0..2
}

// New returns an index that is empty until Run. order has Compute called, some
// time and somewhere else.
func New(d *db.DB, pictures Pictures, look sample.Preparer, backbone Backbone, order func(ctx context.Context, w Work) error, log *slog.Logger) *Index {
	return &Index{db: d, pictures: pictures, look: look, backbone: backbone, order: order, log: log}
}

// Run keeps the index up to date until ctx is done.
func (x *Index) Run(ctx context.Context) error {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		if err := x.Refresh(ctx); err != nil && ctx.Err() == nil {
			x.log.Warn("labelled examples", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Refresh makes the index hold the newest labelled pictures as the present
// champion sees them, and orders what was not computed yet.
func (x *Index) Refresh(ctx context.Context) error {
	model := x.backbone.State().Model
	if model == nil {
		return nil
	}
	known := x.known(model.Space)
	var examples []example
	missing := false
	err := x.labelled(ctx, func(page []sample.Sample) (more bool, err error) {
		kept, err := x.kept(ctx, model.Space, page, known)
		if err != nil {
			return false, err
		}
		for i := range page {
			vector, there := kept[page[i].Hash]
			missing = missing || !there
			if len(vector) > 0 {
				examples = append(examples, example{page[i].Hash, wire.Verdict(page[i].Label), vector})
			}
		}
		return len(examples) < maxExamples, nil
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	x.space, x.examples = model.Space, examples
	x.mu.Unlock()
	if missing {
		return x.order(ctx, Work{model.Space})
	}
	return nil
}

// labelled calls take with every page of labelled pictures, the newest first.
func (x *Index) labelled(ctx context.Context, take func(page []sample.Sample) (more bool, err error)) error {
	var after sample.Cursor
	for {
		page, next, ok, err := x.pictures.List(ctx, sample.Filter{Label: sample.AnyLabel}, after, sample.MaxPage)
		if err != nil {
			return err
		}
		if more, err := take(page); err != nil || !more || !ok {
			return err
		}
		after = next
	}
}

func (x *Index) known(space string) map[string][]float32 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	known := map[string][]float32{}
	if x.space == space {
		for _, e := range x.examples {
			known[e.hash] = e.vector
		}
	}
	return known
}

type row struct {
	bun.BaseModel `bun:"table:embeddings"`

	Hash   string `bun:"hash,pk"`
	Space  string `bun:"space,pk"`
	Vector []byte `bun:"vector"`
}

// kept returns the vectors of a page that are known or kept. An empty one is of
// a picture that can't be read.
func (x *Index) kept(ctx context.Context, space string, page []sample.Sample, known map[string][]float32) (map[string][]float32, error) {
	out := make(map[string][]float32, len(page))
	var ask []string
	for i := range page {
		if vector, there := known[page[i].Hash]; there {
			out[page[i].Hash] = vector
		} else {
			ask = append(ask, page[i].Hash)
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	var rows []row
	if err := x.db.Read().NewSelect().Model(&rows).Where("space = ?", space).Where("hash IN (?)", bun.In(ask)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read embeddings: %w", err)
	}
	measured, err := x.measured(ctx, ask)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if len(r.Vector) == 0 || measured[r.Hash] { // else it is looked at once more
			out[r.Hash] = floats(r.Vector)
		}
	}
	return out, nil
}

// errMoved: the champion moved while its embeddings were computed. The next
// Refresh orders those of the new one.
var errMoved = errors.New("the champion moved meanwhile")

// Work is what is computed: the embeddings of all labelled pictures in a space.
type Work struct {
	Space string `json:"space"`
}

// Computed says what Compute did.
type Computed struct {
	Made       int `json:"made"`
	Unreadable int `json:"unreadable"`
}

// Compute computes and keeps the embeddings that are missing. Cut off, it goes on
// where it was. step is told how many of them are there.
func (x *Index) Compute(ctx context.Context, w Work, step func(done, total int)) (Computed, error) {
	var did Computed
	var missing []string
	err := x.labelled(ctx, func(page []sample.Sample) (bool, error) {
		kept, err := x.kept(ctx, w.Space, page, nil)
		for i := range page {
			if _, there := kept[page[i].Hash]; !there {
				missing = append(missing, page[i].Hash)
			}
		}
		return true, err
	})
	if err != nil {
		return did, err
	}
	for i, hash := range missing {
		step(i, len(missing))
		vector, err := x.compute(ctx, hash, w.Space)
		if err != nil {
			return did, err
		}
		one := row{Hash: hash, Space: w.Space, Vector: bytesOf(vector)}
		if _, err := x.db.Write().NewInsert().Model(&one).On("CONFLICT (hash, space) DO NOTHING").Exec(ctx); err != nil {
			return did, fmt.Errorf("keep embedding: %w", err)
		}
		if len(vector) == 0 {
			did.Unreadable++
		} else {
			did.Made++
		}
	}
	step(len(missing), len(missing))
	return did, nil
}

// compute returns a picture's embedding; none where the picture can't be read.
func (x *Index) compute(ctx context.Context, hash, space string) ([]float32, error) {
	data, err := x.pictures.Picture(ctx, hash)
	if errors.Is(err, sample.ErrNotFound) {
		return nil, nil // deleted meanwhile, or its file is gone: not to be asked for again
	}
	if err != nil {
		return nil, err
	}
	in, _, _, err := x.look.Prepare(ctx, data)
	if errors.Is(err, capture.ErrBadImage) || errors.Is(err, capture.ErrTooLarge) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := x.measure(ctx, hash, in); err != nil {
		return nil, err
	}
	embedding, model, err := x.backbone.Embed(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("embed picture: %w", err)
	}
	if model.Space != space {
		return nil, errMoved
	}
	return unit(embedding), nil
}

// Nearest returns the k labelled pictures nearest to an embedding of the space,
// the nearest first; none where the index is of another space.
func (x *Index) Nearest(space string, embedding []float32, k int) []Neighbour {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if space != x.space {
		return nil
	}
	to := unit(embedding)
	var out []Neighbour
	for _, e := range x.examples {
		if len(e.vector) != len(to) {
			continue
		}
		var dot float32
		for i, v := range e.vector {
			dot += v * to[i]
		}
		n := Neighbour{e.hash, e.label, max(0, 1-float64(dot))}
		if len(out) == k && n.Distance >= out[k-1].Distance {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, n, func(a, b Neighbour) int { return cmp.Compare(a.Distance, b.Distance) })
		out = slices.Insert(out, at, n)
		out = out[:min(len(out), k)]
	}
	return out
}

// unit scales to length 1; a zero vector stays.
func unit(v []float32) []float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := slices.Clone(v)
	if sum == 0 {
		return out
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range out {
		out[i] *= scale
	}
	return out
}

func floats(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func bytesOf(values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

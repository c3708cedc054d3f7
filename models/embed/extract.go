package embed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/vision"
	"gourdian/models/dataset"
)

// batch is how many pictures are decoded before their views are inferred; it
// bounds the tensors in memory.
const batch = 16

// Network is one form of the backbone.
type Network struct {
	ID      string         // names its exact bytes: backbone.VariantID
	Runners []infer.Runner // workers of its graph
}

// Extractor computes what is not cached yet. All fields must be set. A picture
// is decoded, and its views are drawn, once for all networks.
type Extractor struct {
	Importer
	Networks []Network // at least one
	Cache    *Cache
	// Step is called after each picture of the data set, used or not.
	Step func()

	painter Painter
}

// Picture is one picture of a data set as the trainer uses it.
type Picture struct {
	Entry   dataset.Entry
	SHA256  [32]byte      // of the encoded file
	Views   [][]float32   // embeddings by the first network, in the order of the views asked for
	Others  [][][]float32 // the same by each further network
	Colour  []float32     // see ColourAndSize
	Hash    uint64        // see dataset.DHash
	Trimmed bool          // whether bars were cut off
}

// Through is the picture as the network of that number, from 0, sees it.
func (p Picture) Through(network int) Picture {
	if network > 0 {
		p.Views = p.Others[network-1]
	}
	p.Others = nil
	return p
}

// Extract returns the pictures of a set in its order, and those that cannot be
// used with the reason. The first view must be Plain. A picture that is in the
// set twice is used once; one that two classes claim is not used at all.
func (x *Extractor) Extract(ctx context.Context, set *dataset.Set, views []View) ([]Picture, []dataset.Skip, error) {
	var out []Picture
	var skipped []dataset.Skip
	for start := 0; start < len(set.Entries); start += batch {
		var work []*task
		for _, e := range set.Entries[start:min(start+batch, len(set.Entries))] {
			t, err := x.begin(ctx, set, e, views)
			var fault *Fault
			switch {
			case errors.As(err, &fault):
				skipped = append(skipped, dataset.Skip{File: e.File, Reason: fault.Error()})
				x.Step()
			case err != nil:
				return nil, nil, fmt.Errorf("picture %s: %w", e.File, err)
			default:
				work = append(work, t)
			}
		}
		if err := x.infer(ctx, work); err != nil {
			return nil, nil, err
		}
		for _, t := range work {
			out = append(out, t.picture)
			x.Step()
		}
	}
	out, repeated := onlyOnce(out)
	return out, append(skipped, repeated...), nil
}

// task is one picture on its way.
type task struct {
	picture Picture
	seen    [][][]float32         // embeddings by network and view
	keys    [][]Key               // likewise
	missing [][]int               // views that are not cached, by network
	tensors map[int]vision.Tensor // of every view that a network misses
}

// begin reads a picture, takes what is cached and draws the missing views.
func (x *Extractor) begin(ctx context.Context, set *dataset.Set, e dataset.Entry, views []View) (*task, error) {
	file, err := set.Read(e)
	if err != nil {
		return nil, &Fault{err}
	}
	t := &task{picture: Picture{Entry: e, SHA256: sha256.Sum256(file)}, tensors: map[int]vision.Tensor{}}
	base := x.base(t.picture)
	for _, network := range x.Networks {
		x.recall(t, base, network, views)
	}
	t.picture.Views, t.picture.Others = t.seen[0], t.seen[1:]
	known := x.look(&t.picture, base)
	if known && len(t.tensors) == 0 {
		return t, nil
	}
	img, trimmed, err := x.Import(ctx, file, e.Crop)
	if err != nil {
		return nil, err
	}
	t.picture.Trimmed = trimmed
	for v := range t.tensors {
		tensor := make(vision.Tensor, vision.TensorLen)
		if err := x.painter.Draw(tensor, img, views[v], t.picture.SHA256); err != nil {
			return nil, &Fault{err}
		}
		t.tensors[v] = tensor
	}
	if known {
		return t, nil
	}
	return t, x.describe(img, &t.picture, base)
}

// recall takes what is cached of a network's embeddings and notes what is not.
func (x *Extractor) recall(t *task, base string, network Network, views []View) {
	embeddings, keys := make([][]float32, len(views)), make([]Key, len(views))
	var missing []int
	for v, view := range views {
		keys[v] = network.viewKey(base, view)
		if value, ok := x.Cache.Get(keys[v]); ok {
			embeddings[v] = floats(value)
			continue
		}
		missing = append(missing, v)
		t.tensors[v] = nil // to be drawn
	}
	t.seen, t.keys, t.missing = append(t.seen, embeddings), append(t.keys, keys), append(t.missing, missing)
}

// infer computes the missing embeddings of a batch on all workers, network by
// network.
func (x *Extractor) infer(ctx context.Context, work []*task) error {
	for n := range x.Networks {
		if err := x.inferOn(ctx, n, work); err != nil {
			return fmt.Errorf("compute embeddings: %w", err)
		}
	}
	for _, t := range work {
		t.tensors = nil
	}
	return nil
}

func (x *Extractor) inferOn(ctx context.Context, n int, work []*task) error {
	type job struct {
		t    *task
		view int
	}
	var jobs []job
	for _, t := range work {
		for _, v := range t.missing[n] {
			jobs = append(jobs, job{t, v})
		}
	}
	err := features.Compute(ctx, x.Networks[n].Runners, features.Job{
		N: len(jobs),
		Load: func(_ context.Context, i int, in vision.Tensor) (bool, error) {
			copy(in, jobs[i].t.tensors[jobs[i].view])
			return true, nil
		},
		Save: func(i int, s *infer.Scores) error {
			jobs[i].t.seen[n][jobs[i].view] = append([]float32(nil), s.Embedding...)
			return nil
		},
	})
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if err := x.Cache.Put(j.t.keys[n][j.view], bytesOf(j.t.seen[n][j.view])); err != nil {
			return err
		}
	}
	return nil
}

// base names a picture as it is imported: its content, crop and trimming.
func (x *Extractor) base(p Picture) string {
	c := p.Entry.Crop
	return fmt.Sprintf("%s %d %d %d %d bars=%t", hex.EncodeToString(p.SHA256[:]), c.X, c.Y, c.W, c.H, x.KeepBars)
}

func (n *Network) viewKey(base string, view View) Key {
	return KeyOf(base, string(view), n.ID, vision.PreprocessID(), n.Runners[0].Info().Library, infer.CPUClass())
}

// lookVersion changes with DHash, ColourAndSize or what is kept of them.
const lookVersion = "look/1"

// Tensor returns what the backbone sees of one entry in the plain view.
func (x *Extractor) Tensor(ctx context.Context, set *dataset.Set, e dataset.Entry) (vision.Tensor, error) {
	file, err := set.Read(e)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", e.File, err)
	}
	img, _, err := x.Import(ctx, file, e.Crop)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", e.File, err)
	}
	tensor := make(vision.Tensor, vision.TensorLen)
	return tensor, x.painter.Draw(tensor, img, Plain, sha256.Sum256(file))
}

// look takes a picture's description from the cache.
func (x *Extractor) look(p *Picture, base string) bool {
	value, ok := x.Cache.Get(KeyOf(base, lookVersion, vision.PreprocessID()))
	if !ok || len(value) != 9+4*colourSize {
		return false
	}
	p.Hash = binary.LittleEndian.Uint64(value)
	p.Trimmed = value[8] == 1
	p.Colour = floats(value[9:])
	return true
}

// describe computes a picture's description and caches it.
func (x *Extractor) describe(img vision.Image, p *Picture, base string) error {
	plain := make(vision.Tensor, vision.TensorLen)
	if err := x.painter.Draw(plain, img, Plain, p.SHA256); err != nil {
		return &Fault{err}
	}
	p.Hash, p.Colour = dataset.DHash(plain), ColourAndSize(plain)
	value := binary.LittleEndian.AppendUint64(nil, p.Hash)
	if p.Trimmed {
		value = append(value, 1)
	} else {
		value = append(value, 0)
	}
	value = append(value, bytesOf(p.Colour)...)
	return x.Cache.Put(KeyOf(base, lookVersion, vision.PreprocessID()), value)
}

// onlyOnce leaves out pictures whose content and crop came before, and all of
// those that more than one class claims.
func onlyOnce(pictures []Picture) ([]Picture, []dataset.Skip) {
	type content struct {
		hash [32]byte
		crop dataset.Crop
	}
	first := map[content]int{}
	contested := map[content]bool{}
	for i, p := range pictures {
		c := content{p.SHA256, p.Entry.Crop}
		if j, ok := first[c]; !ok {
			first[c] = i
		} else if pictures[j].Entry.Class != p.Entry.Class {
			contested[c] = true
		}
	}
	var out []Picture
	var skipped []dataset.Skip
	for i, p := range pictures {
		c := content{p.SHA256, p.Entry.Crop}
		switch j := first[c]; {
		case contested[c]:
			skipped = append(skipped, dataset.Skip{File: p.Entry.File, Reason: "the same picture stands in more than one class"})
		case j != i:
			skipped = append(skipped, dataset.Skip{File: p.Entry.File, Reason: "the same picture as " + pictures[j].Entry.File})
		default:
			out = append(out, p)
		}
	}
	return out, skipped
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

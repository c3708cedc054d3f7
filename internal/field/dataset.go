package field

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gourdian/internal/vision"
)

// SourceName names the generator and its version, as a dataset's marker states
// it. The number rises when the same seed gives other pictures.
const SourceName = "gourdian field 1"

// DefaultSize is the side of a training picture in pixels.
const DefaultSize = 384

// Options say what WriteDataset writes.
type Options struct {
	Dir       string            // made; must not exist, or be an empty folder
	Count     int               // pictures in all, at least 1
	Seed      uint64            // same seed, same pictures, whatever Workers is
	Size      int               // side of a picture, 64..2048 pixels; 0 = DefaultSize
	Views     int               // photos of each thing, which share a group; 0 = 2
	Varieties []Variety         // nil = all
	Mix       map[Class]float64 // shares of the classes, any scale; nil = DefaultMix
	Workers   int               // pictures rendered at once; 0 = one for each processor
}

// DefaultMix is the share of each class in a dataset.
func DefaultMix() map[Class]float64 {
	return map[Class]float64{Good: 0.30, Regular: 0.25, Bad: 0.25, NotPumpkin: 0.20}
}

func (o *Options) fill() error {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.Views == 0 {
		o.Views = 2
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if len(o.Varieties) == 0 {
		o.Varieties = Varieties()
	}
	if o.Mix == nil {
		o.Mix = DefaultMix()
	}
	switch {
	case o.Dir == "":
		return errors.New("no folder to write to")
	case o.Count < 1:
		return fmt.Errorf("%d pictures: at least 1 is needed", o.Count)
	case o.Size < 64 || o.Size > 2048:
		return fmt.Errorf("size %d: must be 64 to 2048 pixels", o.Size)
	case o.Views < 1:
		return fmt.Errorf("%d views: at least 1 is needed", o.Views)
	}
	for class, share := range o.Mix {
		if !(share >= 0) || !slices.Contains(Classes(), class) {
			return fmt.Errorf("mix: share %v of %q", share, class)
		}
	}
	if o.total() <= 0 {
		return errors.New("mix: all shares are 0")
	}
	return nil
}

// total adds up the shares, in a fixed order.
func (o *Options) total() float64 {
	total := 0.0
	for _, class := range Classes() {
		total += o.Mix[class]
	}
	return total
}

// shot is one planned picture.
type shot struct {
	file, group string
	portrait    portrait
	quality     int
}

// row is a picture's line in the manifest.
type row struct {
	shot
	things []Thing
}

// plan lists the pictures. Every plant has random numbers of its own, so a
// larger Count adds pictures and changes none.
func (o *Options) plan() []shot {
	var shots []shot
	for c, n := range o.counts() {
		class := Classes()[c]
		for i := range n {
			plant, view := uint64(i/o.Views), uint64(i%o.Views)
			p := portrait{class: class}
			p.thing = dice{source(realmTraining, o.Seed, 1, uint64(c), plant)}
			p.view = dice{source(realmTraining, o.Seed, 2, uint64(c), plant, view)}
			if class == NotPumpkin {
				p.kind = strangerOf(p.thing)
			} else {
				p.variety = o.Varieties[int(plant)%len(o.Varieties)]
			}
			group := fmt.Sprintf("%s-%05d", class, plant)
			shots = append(shots, shot{
				file: fmt.Sprintf("%s/%05d-%d.jpg", class, plant, view), group: group,
				portrait: p, quality: 78 + p.view.IntN(18),
			})
		}
	}
	return shots
}

// counts shares Count out over the classes, the rest going to the first ones.
func (o *Options) counts() []int {
	total := o.total()
	out := make([]int, len(Classes()))
	given := 0.0
	taken := 0
	for i, c := range Classes() {
		given += o.Mix[c] / total * float64(o.Count)
		out[i] = int(given+0.5) - taken
		taken += out[i]
	}
	return out
}

// WriteDataset renders a labelled dataset: a folder for each class with JPEG
// files, manifest.csv (file, class, group, kind, variety, defects, box) and
// dataset.json, which says that the pictures are rendered. The folder appears
// whole or not at all. progress, where not nil, is called after every picture,
// one call at a time. WriteDataset returns ctx's error when it is cancelled.
func WriteDataset(ctx context.Context, o Options, progress func(done, total int)) error {
	if err := o.fill(); err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	if err := mustBeFree(o.Dir); err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	parent := filepath.Dir(filepath.Clean(o.Dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, ".render-*")
	if err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := o.writeInto(ctx, tmp, progress); err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	// An empty folder in the way is replaced; a full one makes the rename fail.
	if err := os.Remove(o.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("render dataset: %w", err)
	}
	if err := os.Rename(tmp, o.Dir); err != nil {
		return fmt.Errorf("render dataset: %w", err)
	}
	return nil
}

func mustBeFree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: %w", dir, os.ErrExist)
	}
	return nil
}

func (o *Options) writeInto(ctx context.Context, dir string, progress func(done, total int)) error {
	for _, c := range Classes() {
		if err := os.Mkdir(filepath.Join(dir, string(c)), 0o755); err != nil {
			return err
		}
	}
	shots := o.plan()
	rows := make([]row, len(shots))
	if err := o.renderAll(ctx, dir, shots, rows, progress); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "manifest.csv"), func(w io.Writer) error { return writeManifest(w, rows) }); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "dataset.json"), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(struct {
			Format int    `json:"format"`
			Kind   string `json:"kind"`
			Source string `json:"source"`
			Seed   uint64 `json:"seed"`
		}{1, "rendered", SourceName, o.Seed})
	})
}

// renderAll renders the shots on o.Workers goroutines, which end before it
// returns. The first error stops them.
func (o *Options) renderAll(ctx context.Context, dir string, shots []shot, rows []row, progress func(done, total int)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	st := newStudio()
	var mu sync.Mutex // guards next, done and calls of progress
	next, done := 0, 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	var workers sync.WaitGroup
	for range o.Workers {
		mine := st.another()
		workers.Go(func() {
			for i := take(); i < len(shots) && ctx.Err() == nil; i = take() {
				things, err := shots[i].render(mine, dir, o.Size)
				if err != nil {
					stop(err)
					return
				}
				rows[i] = row{shots[i], things}
				mu.Lock()
				done++
				if progress != nil {
					progress(done, len(shots))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func (s *shot) render(st *studio, dir string, size int) ([]Thing, error) {
	im, things := s.portrait.take(st, size)
	err := writeFile(filepath.Join(dir, filepath.FromSlash(s.file)), func(w io.Writer) error {
		return jpeg.Encode(w, asGo(im), &jpeg.Options{Quality: s.quality})
	})
	return things, err
}

// asGo copies a picture into the standard library's form.
func asGo(im *vision.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, im.W, im.H))
	for i := range im.W * im.H {
		copy(out.Pix[4*i:4*i+3], im.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out
}

func writeFile(name string, fill func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = fill(f)
	return errors.Join(err, f.Close())
}

// writeManifest writes the truth: one line a picture. Defects are kind:share
// pairs; the box is x y width height of the one thing, empty for an empty place.
func writeManifest(w io.Writer, rows []row) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"file", "class", "group", "kind", "variety", "defects", "box"}); err != nil {
		return err
	}
	for _, r := range rows {
		kind, box, defects := r.portrait.kind, "", []string{}
		for _, t := range r.things {
			kind = t.Kind
			box = fmt.Sprintf("%d %d %d %d", t.Box.X, t.Box.Y, t.Box.W, t.Box.H)
			for _, d := range t.Defects {
				defects = append(defects, string(d.Kind)+":"+strconv.FormatFloat(d.Share, 'f', 3, 64))
			}
		}
		line := []string{r.file, string(r.portrait.class), r.group, kind, string(r.portrait.variety), strings.Join(defects, " "), box}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

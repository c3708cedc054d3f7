package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/models"
	"gourdian/models/backbone"
	"gourdian/models/dataset"
	"gourdian/models/embed"
)

// Config is one training from pictures to bundle.
type Config struct {
	Data       string // folder or manifest
	Renames    dataset.Renames
	Task       string // models.TaskGrade, models.TaskCustom
	Seed       uint64
	Folds      int       // 0 = chosen by the data
	KeepBars   bool      // leave uniform bars in place
	Backbone   string    // name in the catalogue; empty = the default
	Checkpoint string    // path of its checkpoint
	Variants   []string  // forms of the backbone that get a head; empty = all
	Cache      string    // folder of cached embeddings
	Curve      bool      // whether to measure the learning curve too
	Penalties  []float64 // grid that C is chosen from, strongest first; empty = Penalties()
	Workers    int       // inference workers at once, at least 1
	Infer      infer.Options
	Camera     capture.Options
	// Progress is told of each step as it begins, with its number of parts,
	// and returns what is called after each part.
	Progress func(step string, parts int) (part func())
}

// Run trains a model and returns what bundle.Build writes, and the report. It
// writes nothing but the cache.
func Run(ctx context.Context, c Config) (*Packed, *Report, error) {
	set, err := dataset.Open(c.Data, c.Renames)
	if err != nil {
		return nil, nil, err
	}
	defer set.Close()
	apart := set.ForTraining()
	task, err := models.TaskFor(c.Task, set.Classes)
	if err != nil {
		return nil, nil, err
	}
	b, err := backbone.Find(c.Backbone)
	if err != nil {
		return nil, nil, err
	}
	forms, err := c.forms(b)
	if err != nil {
		return nil, nil, err
	}
	x, stop, err := c.extractor(ctx, forms)
	if err != nil {
		return nil, nil, err
	}
	defer stop()
	pictures, skipped, err := c.look(ctx, x, set)
	if err != nil {
		return nil, nil, err
	}
	learned, err := Learn(ctx, task, pictures, Options{
		Seed: c.Seed, Folds: c.Folds, Kind: set.Kind(), Variants: forms.names, Curve: c.Curve, Penalties: c.Penalties,
		Begin: func(parts int) func() { return c.Progress("train and cross-validate", parts) },
	})
	if err != nil {
		return nil, nil, err
	}
	r := &learned.Report
	r.Data.Name, r.Data.Dropped, r.Data.SetApart = set.Name, set.Dropped, apart
	r.Data.Skipped = append(append([]dataset.Skip{}, set.Skipped...), skipped...)
	for _, class := range set.Unused {
		r.Warnings = append(r.Warnings, fmt.Sprintf("--map %s=...: the data has no class %q", class, class))
	}
	frames, err := goldenFrames(ctx, x, set, pictures, task)
	if err != nil {
		return nil, nil, err
	}
	part := c.Progress("run golden frames", 1)
	packed, err := pack(ctx, learned, forms.graphs, c.about(set, b.ID(), r), frames, pictures, func(ctx context.Context, path string) (infer.Runner, error) {
		return features.StartGraph(ctx, path, c.Infer)
	})
	if err != nil {
		return nil, nil, err
	}
	part()
	return packed, r, nil
}

// look embeds the pictures of a set; at least one of them can be used.
func (c Config) look(ctx context.Context, x *embed.Extractor, set *dataset.Set) ([]embed.Picture, []dataset.Skip, error) {
	x.Step = c.Progress("look at pictures", len(set.Entries))
	pictures, skipped, err := x.Extract(ctx, set, embed.TrainingViews())
	if err != nil {
		return nil, nil, err
	}
	if len(pictures) == 0 {
		return nil, nil, fmt.Errorf("none of the %d pictures can be used; the first: %s: %s", len(skipped), skipped[0].File, skipped[0].Reason)
	}
	return pictures, skipped, nil
}

// about is the manifest as far as it does not depend on the head.
func (c Config) about(set *dataset.Set, backboneID string, r *Report) bundle.Manifest {
	source := printable(set.Name)
	if set.Marker != nil && set.Marker.Source != "" {
		source += ": " + printable(set.Marker.Source)
	}
	return bundle.Manifest{
		Name:     printable(set.Name),
		Backbone: backboneID,
		Provenance: bundle.Provenance{
			Kind: set.Kind(), Images: r.Data.Images, Groups: r.Data.Groups,
			Classes: r.Data.Classes, Sources: []string{source}, Seed: c.Seed,
		},
	}
}

// printable is a name as a manifest allows it: short, and of characters that
// can be printed.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if len(name) > 80 {
		name = strings.ToValidUTF8(name[:80], "")
	}
	if name = strings.TrimSpace(name); name == "" {
		return "unnamed"
	}
	return name
}

// goldenFrames are synthetic tensors; to rendered data, which is free of
// anyone's rights, they add a picture of each class.
func goldenFrames(ctx context.Context, x *embed.Extractor, set *dataset.Set, pictures []embed.Picture, task models.Task) ([]GoldenFrame, error) {
	frames := SyntheticFrames()
	if set.Kind() != dataset.KindRendered {
		return frames, nil
	}
	for i, p := range firstOfEachClass(pictures, task.Names()) {
		tensor, err := x.Tensor(ctx, set, p.Entry)
		if err != nil {
			return nil, errors.Join(errors.New("golden frames"), err)
		}
		frames = append(frames, GoldenFrame{Name: fmt.Sprintf("rendered-%d", i), Tensor: tensor})
	}
	return frames, nil
}

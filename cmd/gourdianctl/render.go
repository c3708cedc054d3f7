package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gourdian/internal/field"
)

// renderFlags are the flags of render as they were typed.
type renderFlags struct {
	out       string
	count     int
	seed      uint64
	size      int
	views     int
	varieties []string
	asJSON    bool
}

func newRenderCommand(s *streams) *cobra.Command {
	var f renderFlags
	c := &cobra.Command{
		Use:   "render --out DIR --count N",
		Short: "Render labelled pictures of pumpkins to practise with",
		Long: `render draws pumpkins in a field, good, regular and bad ones and things that are
no pumpkins, and writes a folder ready for "model train": a folder for each
class, manifest.csv with the truth, and dataset.json, which says that the
pictures are rendered. The same seed gives the same pictures.

They serve to try the whole path without a photo. What a model reaches on them
says nothing about real fruit, and every model trained on them says so.`,
		Example: `  gourdianctl render --out patch --count 600 --seed 1
  gourdianctl render --out exam --count 200 --seed 2 --varieties ` + strings.Join(varietyNames()[:2], ","),
		Args: checkArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), s) },
	}
	flags := c.Flags()
	flags.StringVar(&f.out, "out", "", "folder to make; must not exist or be empty")
	flags.IntVar(&f.count, "count", 0, "number of pictures in all")
	flags.Uint64Var(&f.seed, "seed", 1, "chooses the pictures")
	flags.IntVar(&f.size, "size", field.DefaultSize, "side of a picture in pixels, 64 to 2048")
	flags.IntVar(&f.views, "views", 2, "pictures of each thing; they share a group (1 shows most things, 2 or more show each from several sides)")
	flags.StringSliceVar(&f.varieties, "varieties", nil, "only these, separated by commas: "+strings.Join(varietyNames(), ", "))
	jsonFlag(c, &f.asJSON)
	return c
}

func varietyNames() []string {
	var names []string
	for _, v := range field.Varieties() {
		names = append(names, string(v))
	}
	return names
}

// options checks the flags.
func (f *renderFlags) options() (field.Options, error) {
	o := field.Options{Dir: f.out, Count: f.count, Seed: f.seed, Size: f.size, Views: f.views}
	switch {
	case f.out == "":
		return o, wrongUse("--out is missing: name a folder to make")
	case f.count < 1:
		return o, wrongUse("--count is missing or below 1: say how many pictures")
	case f.size < 64 || f.size > 2048:
		return o, wrongUse("--size %d is not within 64 and 2048", f.size)
	case f.views < 1:
		return o, wrongUse("--views %d is below 1", f.views)
	}
	for _, name := range f.varieties {
		if !slices.Contains(varietyNames(), name) {
			return o, wrongUse("no variety %q: choose from %s", name, strings.Join(varietyNames(), ", "))
		}
		o.Varieties = append(o.Varieties, field.Variety(name))
	}
	return o, nil
}

// renderReport is what render prints with --json.
type renderReport struct {
	Dir      string         `json:"dir"`
	Kind     string         `json:"kind"`
	Source   string         `json:"source"`
	Seed     uint64         `json:"seed"`
	Pictures int            `json:"pictures"`
	Classes  map[string]int `json:"classes"`
}

func (f *renderFlags) run(ctx context.Context, s *streams) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	bar := s.startProgress("render pictures", f.count)
	err = field.WriteDataset(ctx, o, func(done, _ int) { bar.set(done) })
	bar.finish()
	if errors.Is(err, fs.ErrExist) {
		return wrongUse("--out %s is not empty: name a new folder", f.out)
	}
	if err != nil {
		return err
	}
	r := renderReport{f.out, "rendered", field.SourceName, f.seed, f.count, map[string]int{}}
	for _, class := range field.Classes() {
		pictures, err := os.ReadDir(filepath.Join(f.out, string(class)))
		if err != nil {
			return fmt.Errorf("count pictures: %w", err)
		}
		r.Classes[string(class)] = len(pictures)
	}
	if f.asJSON {
		return s.printJSON(r)
	}
	return r.print(s)
}

func (r *renderReport) print(s *streams) error {
	fmt.Fprintf(s.out, "%d rendered pictures in %s\n", r.Pictures, r.Dir)
	for _, class := range field.Classes() {
		fmt.Fprintf(s.out, "  %-12s %d\n", class, r.Classes[string(class)])
	}
	_, err := fmt.Fprintf(s.out, "Next: gourdianctl model train --data %s --task grade --out grade.gourdian\n", r.Dir)
	return err
}

package calibrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gourdian/internal/field"
	"gourdian/internal/vision"
	"gourdian/models/dataset"
	"gourdian/models/embed"
)

const (
	// picturesMost bounds the tensors in memory: 300 MB.
	picturesMost = 2000
	// fileMost is the largest picture file that is read, in bytes.
	fileMost = 64 << 20
)

// pictures are the tensors of the rendered pictures and of those in the
// folder, each as a board would see it.
func (c Config) pictures(ctx context.Context, r *Report) ([]vision.Tensor, error) {
	decoder, err := embed.NewWorkerDecoder(ctx, c.Camera)
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	importer := &embed.Importer{Decoder: decoder}
	tensors, err := c.render(ctx, importer, r)
	if err != nil || c.Data == "" {
		return tensors, err
	}
	photos, err := c.read(ctx, importer, c.Data, "look at photos", r)
	if err != nil {
		return nil, err
	}
	r.Photos = len(photos)
	return append(tensors, photos...), nil
}

func (c Config) render(ctx context.Context, importer *embed.Importer, r *Report) ([]vision.Tensor, error) {
	if c.Rendered == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "gourdian-calibrate-")
	if err != nil {
		return nil, fmt.Errorf("render pictures: %w", err)
	}
	defer os.RemoveAll(dir)
	part := c.Progress("render pictures", c.Rendered)
	o := field.Options{Dir: filepath.Join(dir, "patch"), Count: c.Rendered, Seed: c.Seed, Views: 1}
	if err := field.WriteDataset(ctx, o, func(int, int) { part() }); err != nil {
		return nil, err
	}
	tensors, err := c.read(ctx, importer, o.Dir, "look at rendered pictures", r)
	r.Rendered = len(tensors)
	return tensors, err
}

// read decodes all pictures of a folder in the order of their names. One that
// can't be decoded is noted and passed over.
func (c Config) read(ctx context.Context, importer *embed.Importer, dir, step string, r *Report) ([]vision.Tensor, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open pictures: %w", err)
	}
	defer func() { _ = root.Close() }() // only read
	names, err := list(root.FS())
	if err != nil {
		return nil, fmt.Errorf("list pictures in %s: %w", dir, err)
	}
	part := c.Progress(step, len(names))
	var tensors []vision.Tensor
	for _, name := range names {
		tensor, err := look(ctx, importer, root, name)
		var fault *embed.Fault
		switch {
		case errors.As(err, &fault):
			r.Skipped = append(r.Skipped, dataset.Skip{File: name, Reason: fault.Error()})
		case err != nil:
			return nil, fmt.Errorf("picture %s: %w", name, err)
		default:
			tensors = append(tensors, tensor)
		}
		part()
	}
	return tensors, nil
}

// list names the picture files below a folder; links that lead out of it are
// no plain files.
func list(dir fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type().IsRegular() && slices.Contains([]string{".jpg", ".jpeg", ".png", ".webp", ".bmp"}, strings.ToLower(path.Ext(name))) {
			names = append(names, name)
		}
		return nil
	})
	if err == nil && len(names) > picturesMost {
		err = fmt.Errorf("%d pictures, at most %d", len(names), picturesMost)
	}
	return names, err
}

func look(ctx context.Context, importer *embed.Importer, root *os.Root, name string) (vision.Tensor, error) {
	info, err := root.Stat(name)
	if err == nil && info.Size() > fileMost {
		err = fmt.Errorf("%d bytes, at most %d", info.Size(), int64(fileMost))
	}
	var file []byte
	if err == nil {
		file, err = root.ReadFile(name)
	}
	if err != nil {
		return nil, embed.NewFault(err)
	}
	img, _, err := importer.Import(ctx, file, dataset.Crop{})
	if err != nil {
		return nil, err
	}
	tensor := make(vision.Tensor, vision.TensorLen)
	if err := vision.Prepare(tensor, img, vision.Zone{}); err != nil {
		return nil, embed.NewFault(err)
	}
	return tensor, nil
}

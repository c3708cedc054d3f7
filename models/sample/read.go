package sample

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

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

// read decodes all pictures of a folder in the order of their names.
func (g *gatherer) read(ctx context.Context, dir, step string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open pictures: %w", err)
	}
	defer func() { _ = root.Close() }() // only read
	names, err := list(root.FS())
	if err != nil {
		return fmt.Errorf("list pictures in %s: %w", dir, err)
	}
	part := g.source.Progress(step, len(names))
	for _, name := range names {
		tensor, err := g.look(ctx, root, name)
		var fault *embed.Fault
		switch {
		case errors.As(err, &fault):
			g.out.Skipped = append(g.out.Skipped, dataset.Skip{File: name, Reason: fault.Error()})
		case err != nil:
			return fmt.Errorf("picture %s: %w", name, err)
		default:
			g.out.Tensors = append(g.out.Tensors, tensor)
		}
		part()
	}
	return nil
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

func (g *gatherer) look(ctx context.Context, root *os.Root, name string) (vision.Tensor, error) {
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
	img, _, err := g.importer.Import(ctx, file, dataset.Crop{})
	if err != nil {
		return nil, err
	}
	tensor := make(vision.Tensor, vision.TensorLen)
	if err := vision.Prepare(tensor, img, vision.Zone{}); err != nil {
		return nil, embed.NewFault(err)
	}
	return tensor, nil
}

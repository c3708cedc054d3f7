package pipeline

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/sample"
	models "gourdian/models/dataset"
)

// lay writes pictures with their table into a folder as package models/dataset
// reads it, and says which are no longer there. Those that lie there already are
// not written again.
func (p *Pipeline) lay(ctx context.Context, dir string, pictures []dataset.Picture, kind string) (gone []string, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("lay out pictures: %w", err)
	}
	table, err := os.Create(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		return nil, fmt.Errorf("lay out pictures: %w", err)
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	out := csv.NewWriter(table)
	if err := out.Write([]string{"file", "class", "group"}); err != nil {
		return nil, fmt.Errorf("lay out pictures: %w", err)
	}
	for i := range pictures {
		one := &pictures[i]
		name := fileOf(one.Image)
		switch err := p.layOne(ctx, filepath.Join(dir, name), one.Image); {
		case errors.Is(err, sample.ErrNotFound):
			gone = append(gone, one.Image) // deleted since
			continue
		case err != nil:
			return nil, err
		}
		if err := out.Write([]string{name, string(one.Class), one.Group}); err != nil {
			return nil, fmt.Errorf("lay out pictures: %w", err)
		}
	}
	out.Flush()
	text, err := json.Marshal(models.Marker{Format: 1, Kind: kind, Source: "pictures of a hub"})
	if err == nil {
		err = errors.Join(out.Error(), os.WriteFile(filepath.Join(dir, models.MarkerName), text, 0o600))
	}
	if err != nil {
		return nil, fmt.Errorf("lay out pictures: %w", err)
	}
	return gone, nil
}

// fileOf is the file of a picture in a folder that was laid out. Decoders look
// at its bytes and not at its name.
func fileOf(image string) string { return image + ".jpg" }

// layOne writes a picture, unless it is there.
func (p *Pipeline) layOne(ctx context.Context, path, image string) error {
	data, err := p.pictures.Picture(ctx, image)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		return nil
	}
	if err := os.WriteFile(path+".part", data, 0o600); err != nil {
		return fmt.Errorf("lay out picture: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("lay out picture: %w", err)
	}
	return nil
}

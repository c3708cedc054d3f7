package sample

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// WriteZip writes the pictures of a selection as they are, each in a folder
// named by its label, so that the archive can be imported again with its labels.
// It holds one picture at a time in memory.
func (s *Store) WriteZip(ctx context.Context, sel Selection, w io.Writer) error {
	out := zip.NewWriter(w)
	err := s.Portions(ctx, sel, func(ctx context.Context, picks []Pick) error {
		for _, p := range picks {
			if err := s.zipOne(ctx, out, p.Hash); err != nil && !errors.Is(err, ErrNotFound) { // deleted meanwhile
				return err
			}
		}
		return out.Flush()
	})
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("write zip of samples: %w", err)
	}
	return nil
}

func (s *Store) zipOne(ctx context.Context, out *zip.Writer, hash string) error {
	one, err := s.Get(ctx, hash)
	if err != nil {
		return err
	}
	data, err := s.Picture(ctx, hash)
	if err != nil {
		return err
	}
	folder := one.Label
	if folder == "" {
		folder = "no-label"
	}
	// Pictures are small already.
	file, err := out.CreateHeader(&zip.FileHeader{Name: folder + "/" + hash + extension(data), Method: zip.Store, Modified: one.Captured()})
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return err
}

// extension is by what the bytes are.
func extension(data []byte) string {
	switch http.DetectContentType(data) {
	case "image/png":
		return ".png"
	case "image/webp":
		return ".webp"
	case "image/gif":
		return ".gif"
	case "image/bmp":
		return ".bmp"
	}
	return ".jpg"
}

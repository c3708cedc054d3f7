package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

const (
	manifest = "manifest.csv"
	// mixed is the one source that holds most pumpkins: grouping by it would
	// leave nothing to train on, so its near-duplicates are grouped instead.
	mixed = "strgalt-t/Fruits-40-EU"
	// shrunkSide is the longer side of the shrunk photos, about that of mixed.
	shrunkSide = 128
)

// photo is a row of a source's manifest: file, class and where it is from.
type photo struct{ file, class, group, source string }

// readPhotos reads a source's manifest. Rows without a file are none.
func readPhotos(dir string) ([]photo, error) {
	file, err := os.Open(filepath.Join(dir, manifest))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows := csv.NewReader(file)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	place := map[string]int{}
	for i, name := range header {
		place[name] = i
	}
	var photos []photo
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return photos, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Name(), err)
		}
		get := func(name string) string {
			if i, ok := place[name]; ok {
				return row[i]
			}
			return ""
		}
		photos = append(photos, photo{get("file"), get("class"), get("group"), get("source_repo")})
	}
}

// pumpkinSet prepares the photos of pumpkins and of other things with their
// sources as groups.
func (b *bench) pumpkinSet() (string, error) {
	return b.prepare("pumpkins", "pumpkins", bySource, copyFile)
}

// bySource is the class and group of a photo of pumpkins/; no class drops it.
func bySource(p photo) (class, group string) {
	switch p.class {
	case "pumpkin_whole", "pumpkin_group", "pumpkin_field":
		class = "pumpkin"
	case "watermelon", "other_produce", "unrelated":
		class = p.class
	default: // cut, carved, from the air: neither one thing nor the other
		return "", ""
	}
	if p.source == mixed {
		return class, ""
	}
	return class, p.source
}

// collectionSet prepares the photos of produce/ as the pumpkin model names them.
func (b *bench) collectionSet() (string, error) {
	return b.prepare("collections", "produce", func(p photo) (class, group string) {
		switch p.class {
		case "pumpkin_carved", "pumpkin_cut", "squash_other":
			return "", ""
		case "pumpkin", "watermelon":
			return p.class, p.group
		}
		return "other_produce", p.group
	}, copyFile)
}

// strangerSet prepares photos that no graded model has a class for.
func (b *bench) strangerSet() (string, error) {
	return b.prepare("strangers", "pumpkins", func(p photo) (class, group string) {
		switch p.class {
		case "watermelon", "other_produce", "unrelated", "pumpkin_whole":
			return p.class, ""
		}
		return "", ""
	}, copyFile)
}

// shrunkSet is pumpkinSet on small copies of all photos.
func (b *bench) shrunkSet(ctx context.Context) (string, error) {
	decoder, stop, err := capture.StartDecoder(ctx, capture.Options{Program: filepath.Join("bin", capture.Program)})
	if err != nil {
		return "", err
	}
	defer stop()
	return b.prepare("pumpkins-128", "pumpkins", bySource, func(from, to string) error {
		file, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		img, err := decoder.Decode(ctx, file)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		jpeg, err := decoder.Encode(ctx, shrink(img, shrunkSide), 95)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return os.WriteFile(to, jpeg, 0o644)
	})
}

// prepare makes a data set in the work folder out of a folder of the photos:
// each photo that sort gives a class, brought over by bring.
func (b *bench) prepare(name, from string, sort func(photo) (class, group string), bring func(from, to string) error) (string, error) {
	source, out := filepath.Join(b.data, from), filepath.Join(b.work, name)
	photos, err := readPhotos(source)
	if err != nil {
		return "", err
	}
	if err := os.RemoveAll(out); err != nil {
		return "", err
	}
	rows := [][]string{{"file", "class", "group"}}
	for _, p := range photos {
		class, group := sort(p)
		if class == "" {
			continue
		}
		to := filepath.Join(out, filepath.FromSlash(p.file))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		if err := bring(filepath.Join(source, filepath.FromSlash(p.file)), to); err != nil {
			return "", fmt.Errorf("prepare %s: %w", name, err)
		}
		rows = append(rows, []string{p.file, class, group})
	}
	file, err := os.Create(filepath.Join(out, manifest))
	if err != nil {
		return "", err
	}
	return out, errors.Join(csv.NewWriter(file).WriteAll(rows), file.Close())
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// shrink makes the longer side of a picture at most side pixels long, each the
// mean of the whole pixels that fall into it.
func shrink(img vision.Image, side int) vision.Image {
	longer := max(img.W, img.H)
	if longer <= side {
		return img
	}
	out := vision.New(max(1, img.W*side/longer), max(1, img.H*side/longer))
	for y := range out.H {
		for x := range out.W {
			copy(out.Pix[3*(y*out.W+x):], mean(img, x*img.W/out.W, (x+1)*img.W/out.W, y*img.H/out.H, (y+1)*img.H/out.H))
		}
	}
	return out
}

// mean is the mean colour of a rectangle that is not empty.
func mean(img vision.Image, x0, x1, y0, y1 int) []uint8 {
	var sum [3]int
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			for c := range sum {
				sum[c] += int(img.Pix[3*(y*img.W+x)+c])
			}
		}
	}
	n := (x1 - x0) * (y1 - y0)
	return []uint8{uint8((sum[0] + n/2) / n), uint8((sum[1] + n/2) / n), uint8((sum[2] + n/2) / n)}
}

package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"slices"

	"gourdian/internal/vision"
	"gourdian/models/dataset"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
)

// Pictures of a class that a report shows.
const (
	rightShown = 4
	wrongShown = 8
)

// Pictures opens those of a data set again, to show them.
type Pictures struct {
	Set      *dataset.Set
	Importer embed.Importer

	resizer vision.Resizer
}

// examples picks, for each class, the right ones that the model was surest of
// and the wrong ones that it was surest of: those teach the most.
func (w words) examples(ctx context.Context, pictures *Pictures, classes []string, all []evaluate.Judged) ([]examples, error) {
	surest := func(a, b evaluate.Judged) int {
		return cmp.Or(cmp.Compare(b.Sample.Probabilities[b.Sample.Top], a.Sample.Probabilities[a.Sample.Top]), cmp.Compare(a.Entry.File, b.Entry.File))
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, surest)
	var out []examples
	for k, name := range classes {
		e := examples{Class: w.class(name), Tone: w.Verdict(name, w.classes).Tone}
		for _, j := range all {
			if j.Sample.Truth != k {
				continue
			}
			list, most := &e.Wrong, wrongShown
			if j.Sample.Top == k {
				list, most = &e.Right, rightShown
			}
			if len(*list) == most {
				continue
			}
			picture, err := pictures.small(ctx, j.Entry)
			var fault *embed.Fault
			if errors.As(err, &fault) {
				continue // changed since it was looked at
			}
			if err != nil {
				return nil, fmt.Errorf("show picture %s: %w", j.Entry.File, err)
			}
			*list = append(*list, shown{Picture: picture, File: j.Entry.File, Said: w.Say("report.example",
				"class", w.class(classes[j.Sample.Top]), "sure", w.Percent(j.Sample.Probabilities[j.Sample.Top]))})
		}
		if len(e.Right)+len(e.Wrong) > 0 {
			out = append(out, e)
		}
	}
	return out, nil
}

// small is a picture as the model saw it, at half its side, as a data URL.
func (p *Pictures) small(ctx context.Context, entry dataset.Entry) (template.URL, error) {
	file, err := p.Set.Read(entry)
	if err != nil {
		return "", embed.NewFault(err)
	}
	img, _, err := p.Importer.Import(ctx, file, entry.Crop)
	if err != nil {
		return "", err
	}
	tensor := make(vision.Tensor, vision.TensorLen)
	if err := p.resizer.Prepare(tensor, img, vision.Zone{}); err != nil {
		return "", embed.NewFault(err)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, halved(tensor), &jpeg.Options{Quality: 75}); err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes())), nil
}

// halved averages squares of four pixels.
func halved(t vision.Tensor) image.Image {
	const side = vision.Size / 2
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			var c [3]int
			for _, at := range [4]int{0, 1, vision.Size, vision.Size + 1} {
				for k := range c {
					c[k] += int(t[(2*y*vision.Size+2*x+at)*3+k])
				}
			}
			out.SetRGBA(x, y, color.RGBA{uint8(c[0] / 4), uint8(c[1] / 4), uint8(c[2] / 4), 255})
		}
	}
	return out
}

package feature

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/sample"
	"gourdian/internal/quality"
	"gourdian/internal/vision"
)

// Quality is what light and blur of a picture allow, as a preprocessing sees it.
type Quality struct {
	bun.BaseModel `bun:"table:picture_qualities"`

	Hash       string  `bun:"hash,pk"`
	Preprocess string  `bun:"preprocess,pk"`
	Sharpness  float64 `bun:"sharpness"`
	Mean       float64 `bun:"mean"` // of the greys, 0..255, as the next two
	P5         uint8   `bun:"p5"`
	P99        uint8   `bun:"p99"`
	Black      float64 `bun:"black"` // share of the pixels, 0..1
	Burned     float64 `bun:"burned"`
}

// measure computes and keeps the quality of a picture.
func (x *Index) measure(ctx context.Context, hash string, in vision.Tensor) error {
	r := quality.AssessTensor(in)
	one := Quality{
		Hash: hash, Preprocess: vision.PreprocessID(), Sharpness: r.Sharpness,
		Mean: r.Light.Mean, P5: r.Light.P5, P99: r.Light.P99, Black: r.Light.Black, Burned: r.Light.Burned,
	}
	if _, err := x.db.Write().NewInsert().Model(&one).On("CONFLICT (hash, preprocess) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("keep the quality of a picture: %w", err)
	}
	return nil
}

// measured says which of these pictures have a quality under the preprocessing of
// this build; one of another is none.
func (x *Index) measured(ctx context.Context, hashes []string) (map[string]bool, error) {
	var there []string
	err := x.db.Read().NewSelect().Model((*Quality)(nil)).Column("hash").Where("preprocess = ?", vision.PreprocessID()).
		Where("hash IN (?)", bun.In(hashes)).Scan(ctx, &there)
	if err != nil {
		return nil, fmt.Errorf("read the quality of pictures: %w", err)
	}
	out := map[string]bool{}
	for _, hash := range there {
		out[hash] = true
	}
	return out, nil
}

// Status says how many labelled pictures have their features.
type Status struct {
	Space    string // of the present champion, "" = none answers
	Labelled int
	Embedded int
	Measured int
}

// Status counts features of the present champion's space and of this build's
// preprocessing.
func (x *Index) Status(ctx context.Context) (Status, error) {
	var s Status
	if model := x.backbone.State().Model; model != nil {
		s.Space = model.Space
	}
	labelled := func() *bun.SelectQuery {
		return sample.Filter{Label: sample.AnyLabel}.Apply(x.db.Read().NewSelect().Model((*sample.Sample)(nil))).Where("s.state = ?", sample.Kept)
	}
	for _, one := range []struct {
		into *int
		q    *bun.SelectQuery
	}{
		{&s.Labelled, labelled()},
		{&s.Embedded, labelled().Where("EXISTS (SELECT 1 FROM embeddings v WHERE v.hash = s.hash AND v.space = ? AND length(v.vector) > 0)", s.Space)},
		{&s.Measured, labelled().Where("EXISTS (SELECT 1 FROM picture_qualities p WHERE p.hash = s.hash AND p.preprocess = ?)", vision.PreprocessID())},
	} {
		n, err := one.q.Count(ctx)
		if err != nil {
			return s, fmt.Errorf("count features: %w", err)
		}
		*one.into = int(n)
	}
	return s, nil
}

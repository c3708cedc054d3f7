package feature

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/predict"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

// world is labelled pictures "0", "1", … whose embeddings turn by a tenth each.
type world struct {
	pictures int
	space    string
	embedded int
}

func (w *world) List(_ context.Context, f sample.Filter, after sample.Cursor, _ int) ([]sample.Sample, sample.Cursor, bool, error) {
	if f.Label != sample.AnyLabel || after.Hash != "" {
		return nil, sample.Cursor{}, false, fmt.Errorf("asked for %+v", f)
	}
	var page []sample.Sample
	for i := range w.pictures {
		page = append(page, sample.Sample{Hash: fmt.Sprint(i), Label: "good"})
	}
	return page, sample.Cursor{}, false, nil
}

func (w *world) Picture(_ context.Context, hash string) ([]byte, error) {
	if hash == "1" {
		return nil, sample.ErrNotFound
	}
	return []byte(hash), nil
}

func (w *world) Prepare(_ context.Context, file []byte) (vision.Tensor, int, int, error) {
	if string(file) == "2" {
		return nil, 0, 0, capture.ErrBadImage
	}
	t := make(vision.Tensor, vision.TensorLen)
	t[0] = file[0]
	return t, 1, 1, nil
}

func (w *world) State() predict.State { return predict.State{Model: &predict.Model{Space: w.space}} }

func (w *world) Embed(_ context.Context, in vision.Tensor) ([]float32, predict.Model, error) {
	w.embedded++
	return []float32{1, float32(in[0]-'0') / 10}, predict.Model{Space: w.space}, nil
}

func TestNearestAreFoundAndComputedOnce(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := &world{pictures: 9, space: "a"}
		var orders []Work
		order := func(_ context.Context, w Work) error {
			orders = append(orders, w)
			return nil
		}
		x := New(d, w, w, w, order, slog.New(slog.DiscardHandler))
		compute := func(want Computed) {
			t.Helper()
			if err := x.Refresh(t.Context()); err != nil || len(orders) != 1 || orders[0].Space != w.space {
				t.Fatalf("ordered %+v, %v", orders, err)
			}
			var last, total int
			did, err := x.Compute(t.Context(), orders[0], func(done, of int) { last, total = done, of })
			if err != nil || did != want || last != total {
				t.Fatalf("computed %+v, %d of %d, %v", did, last, total, err)
			}
			orders = nil
		}
		compute(Computed{Made: 7, Unreadable: 2})
		if err := x.Refresh(t.Context()); err != nil || len(orders) != 0 {
			t.Fatalf("what was done is ordered again: %+v, %v", orders, err)
		}
		near := x.Nearest("a", []float32{2, 1.01}, 3)
		if len(near) != 3 || near[0].Hash != "5" || near[1].Hash != "6" && near[1].Hash != "4" || near[0].Distance > near[2].Distance || near[0].Label != "good" {
			t.Errorf("%+v", near)
		}
		if again := New(d, w, w, w, order, slog.New(slog.DiscardHandler)); again.Refresh(t.Context()) != nil || len(again.Nearest("a", []float32{1, 0}, 20)) != 7 {
			t.Error("a restart lost what was kept")
		}
		if w.embedded != 7 { // 1 is gone and 2 can't be read
			t.Errorf("%d were embedded", w.embedded)
		}
		if x.Nearest("b", []float32{1, 0}, 1) != nil {
			t.Error("embeddings of two spaces were compared")
		}
		w.space = "b"
		if _, err := x.Compute(t.Context(), Work{"a2"}, func(int, int) {}); !errors.Is(err, errMoved) {
			t.Errorf("embeddings of the new champion were kept as those of another: %v", err)
		}
		w.embedded = 7
		compute(Computed{Made: 7, Unreadable: 2})
		if err := x.Refresh(t.Context()); err != nil || len(x.Nearest("b", []float32{1, 0}, 20)) != 7 || w.embedded != 14 {
			t.Errorf("after the champion moved: %d were embedded, %v", w.embedded, err)
		}
	})
}

package feature

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
	"gourdian/cloud/internal/sample"
	"gourdian/internal/vision"
)

func TestQualityOfAnotherPreprocessingCountsAsNone(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		w := &world{pictures: 5, space: "a"}
		for i := range w.pictures {
			row := sample.Sample{Hash: fmt.Sprint(i), State: sample.Kept, Source: sample.FromImport, Checked: true}
			if _, err := d.Write().NewInsert().Model(&row).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Write().NewRaw("INSERT INTO labels (hash, label, version, labelled_by, labelled_at) VALUES (?, 'good', 1, 'ana', 1)", row.Hash).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		x := New(d, w, w, w, func(context.Context, Work) error { return nil }, slog.New(slog.DiscardHandler))
		compute := func() Computed {
			t.Helper()
			did, err := x.Compute(t.Context(), Work{"a"}, func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			return did
		}
		compute() // 1 is gone and 2 can't be read
		status := func(want Status) {
			t.Helper()
			if got, err := x.Status(t.Context()); err != nil || got != want {
				t.Errorf("%+v, %v", got, err)
			}
		}
		status(Status{Space: "a", Labelled: 5, Embedded: 3, Measured: 3})
		if did := compute(); did != (Computed{}) {
			t.Errorf("it is done twice: %+v", did)
		}
		if _, err := d.Write().NewUpdate().Model((*Quality)(nil)).Set("preprocess = ?", "older").Where("hash = ?", "3").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		status(Status{Space: "a", Labelled: 5, Embedded: 3, Measured: 2})
		if did := compute(); did != (Computed{Made: 1}) {
			t.Errorf("after an upgrade it did %+v", did)
		}
		var kept []Quality
		if err := d.Read().NewSelect().Model(&kept).Where("hash = ?", "3").Scan(t.Context()); err != nil || len(kept) != 2 {
			t.Fatal(kept, err)
		}
		for _, one := range kept {
			if one.Preprocess == vision.PreprocessID() && one.Black != 1 {
				t.Errorf("a black picture: %+v", one)
			}
		}
		w.space = "b"
		status(Status{Space: "b", Labelled: 5, Embedded: 0, Measured: 3})
	})
}

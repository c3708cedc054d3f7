package ingest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/parquet-go/parquet-go"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/db/dbtest"
)

func TestEveryRecordIsReadBackFromParquetOnce(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		r := setup(t, d)
		const many = exportPage + 7 // pages end between records of one board
		for first := uint64(1); first <= many; first += 100 {
			if _, err := r.send(t, "b1", batch(t, "b1", first, min(first+99, many))); err != nil {
				t.Fatal(err)
			}
		}
		var file bytes.Buffer
		if err := WriteParquet(t.Context(), r.db, Which{Device: "b1"}, &file); err != nil {
			t.Fatal(err)
		}
		rows, err := parquet.Read[Row](bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil || len(rows) != many {
			t.Fatalf("%d of %d rows, %v", len(rows), many, err)
		}
		for i, row := range rows {
			if row.Seq != int64(i)+1 || row.Device != "b1" || row.Site != "north" || row.Verdict != "good" || row.Probabilities["good"] != 1 || row.CapturedAt.Before(at) {
				t.Fatalf("row %d: %+v", i, row)
			}
		}
		file.Reset()
		if err := WriteParquet(t.Context(), r.db, Which{Site: "south"}, &file); err != nil {
			t.Fatal(err)
		}
		if rows, err := parquet.Read[Row](bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil || len(rows) != 0 {
			t.Errorf("of no site: %d rows, %v", len(rows), err)
		}
		if err := WriteParquet(t.Context(), r.db, Which{}, full{}); !errors.Is(err, errFull) {
			t.Errorf("a reader who is gone: %v", err)
		}
	})
}

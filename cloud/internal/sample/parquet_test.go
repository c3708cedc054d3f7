package sample

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/db"
)

func TestParquetIsReadBackWithEveryLabelAndTextAsItIs(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, nil)
		odd := Board{Device: "b1", Site: "=1+1"}
		for _, data := range []string{"noise 1", "noise 2"} {
			r.bring(t, odd, data)
		}
		if err := r.CheckAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		labelled := blob.Name([]byte("noise 1"))
		if _, err := d.Write().NewRaw("INSERT INTO labels (hash, label, version, labelled_by, labelled_at) VALUES (?, 'bad', 3, 'ana', 1)", labelled).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := r.WriteParquet(t.Context(), Filter{}, &file); err != nil {
			t.Fatal(err)
		}
		rows, err := parquet.Read[Row](bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil || len(rows) != 2 {
			t.Fatal(len(rows), err)
		}
		for _, row := range rows {
			one, err := r.Get(t.Context(), row.File[:64])
			if err != nil {
				t.Fatal(err)
			}
			row.CapturedAt, row.ReceivedAt = row.CapturedAt.UTC(), row.ReceivedAt.UTC()
			if row != one.row() {
				t.Errorf("%+v is read back as %+v", one.row(), row)
			}
			if is := row.File == labelled+".jpg"; row.Site != "=1+1" || row.Device != "b1" || is != (row.Class == "bad") || is != (row.Version == 3) || row.Width != 640 {
				t.Errorf("%+v", row)
			}
		}
		file.Reset()
		if err := r.WriteParquet(t.Context(), Filter{Label: "bad"}, &file); err != nil {
			t.Fatal(err)
		}
		if rows, err := parquet.Read[Row](bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil || len(rows) != 1 {
			t.Errorf("the filter leaves %d, %v", len(rows), err)
		}
	})
}

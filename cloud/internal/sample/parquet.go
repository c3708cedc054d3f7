package sample

import (
	"context"
	"io"
	"time"

	"gourdian/cloud/internal/table"
)

// Row is one picture in a Parquet file, as in the CSV.
type Row struct {
	File       string    `parquet:"file"`
	Class      string    `parquet:"class"`
	Group      string    `parquet:"group"`
	Source     string    `parquet:"source,dict"`
	Site       string    `parquet:"site,dict"`
	Device     string    `parquet:"device,dict"`
	Camera     string    `parquet:"camera,dict"`
	Zone       string    `parquet:"zone,dict"`
	CapturedAt time.Time `parquet:"captured_at,timestamp(microsecond)"`
	ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
	Why        string    `parquet:"why,dict"`
	Verdict    string    `parquet:"verdict,dict"`
	Correction string    `parquet:"correction,dict"`
	LabelledBy string    `parquet:"labelled_by,dict"`
	Version    int64     `parquet:"label_version"`
	Fault      string    `parquet:"fault,dict"`
	Duplicate  string    `parquet:"duplicate_of"`
	Width      int32     `parquet:"width"`
	Height     int32     `parquet:"height"`
	Sharpness  float64   `parquet:"sharpness"`
	Brightness float64   `parquet:"brightness"`
	Origin     string    `parquet:"origin"`
}

// WriteParquet writes a row for every picture that the filter leaves.
func (s *Store) WriteParquet(ctx context.Context, f Filter, w io.Writer) error {
	return table.Write(w, func(put func(...Row) error) error {
		rows := make([]Row, 0, table.Portion)
		err := s.Each(ctx, f, func(one *Sample) error {
			rows = append(rows, one.row())
			if len(rows) < table.Portion {
				return nil
			}
			err := put(rows...)
			rows = rows[:0]
			return err
		})
		if err != nil {
			return err
		}
		return put(rows...)
	})
}

// row is what a Parquet file says of a picture. Texts stand as they are: no
// spreadsheet takes them for formulas.
func (s *Sample) row() Row {
	return Row{
		File: s.Hash + ".jpg", Class: s.Label, Group: s.group(), Source: string(s.Source), Site: s.Site, Device: s.Device, Camera: s.Camera, Zone: s.Zone,
		CapturedAt: s.Captured(), ReceivedAt: s.Received(), Why: string(s.Why), Verdict: string(s.Verdict), Correction: string(s.Correction),
		LabelledBy: s.LabelledBy, Version: s.LabelVersion, Fault: string(s.Fault), Duplicate: s.DuplicateOf, Width: int32(s.Width), Height: int32(s.Height),
		Sharpness: s.Sharpness, Brightness: s.Brightness, Origin: s.Origin,
	}
}

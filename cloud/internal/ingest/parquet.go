package ingest

import (
	"context"
	"fmt"
	"io"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/table"
	"gourdian/internal/wire"
)

// Row is one record in a Parquet file, as in the CSV.
type Row struct {
	Device        string             `parquet:"device,dict"`
	Epoch         string             `parquet:"epoch,dict"`
	Seq           int64              `parquet:"seq"`
	Site          string             `parquet:"site,dict"`
	Camera        string             `parquet:"camera,dict"`
	Zone          string             `parquet:"zone,dict"`
	CapturedAt    time.Time          `parquet:"captured_at,timestamp(microsecond)"`
	Clock         string             `parquet:"clock,dict"`
	ReceivedAt    time.Time          `parquet:"received_at,timestamp(microsecond)"`
	Verdict       string             `parquet:"verdict,dict"`
	Reason        string             `parquet:"reason,dict"`
	Probabilities map[string]float64 `parquet:"probabilities"`
	Novelty       float64            `parquet:"novelty"`
	Frames        int64              `parquet:"frames"`
	Seconds       float64            `parquet:"seconds"`
	Model         string             `parquet:"model,dict"`
	Variant       string             `parquet:"variant,dict"`
	Image         string             `parquet:"image"`
}

// WriteParquet writes a row for each record that is chosen, in the order of
// WriteCSV.
func WriteParquet(ctx context.Context, r Reader, w Which, to io.Writer) error {
	return table.Write(to, func(put func(...Row) error) error {
		var last *Record
		for {
			page, err := recordsAfter(ctx, r, w, last)
			if err != nil {
				return fmt.Errorf("export records: %w", err)
			}
			rows := make([]Row, len(page))
			for i := range page {
				if rows[i], err = page[i].row(); err != nil {
					return fmt.Errorf("export records: %w", err)
				}
			}
			if err := put(rows...); err != nil {
				return err
			}
			if len(page) < exportPage {
				return nil
			}
			last = &page[len(page)-1]
		}
	})
}

// row is what a Parquet file says of a record. Texts stand as they are: no
// spreadsheet takes them for formulas.
func (r *Record) row() (Row, error) {
	full, err := wire.DecodeRecord([]byte(r.Body))
	if err != nil {
		return Row{}, fmt.Errorf("%s/%s/%d: %w", r.Device, r.Epoch, r.Seq, err)
	}
	return Row{
		Device: r.Device, Epoch: r.Epoch, Seq: r.Seq, Site: r.Site, Camera: r.Camera, Zone: full.Zone, CapturedAt: db.Time(r.Captured), Clock: string(full.Clock),
		ReceivedAt: db.Time(r.Received), Verdict: r.Verdict, Reason: r.Reason, Probabilities: full.Probabilities, Novelty: full.Novelty,
		Frames: int64(full.Frames), Seconds: full.Seconds, Model: r.Model, Variant: full.Variant, Image: r.Image,
	}, nil
}

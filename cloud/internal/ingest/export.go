package ingest

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/internal/wire"
)

// exportPage is how many records are in memory at a time.
const exportPage = 1000

// WriteCSV writes a line for each record that is chosen, board by board in the
// order of the field clock. Records that come meanwhile may be missing.
func WriteCSV(ctx context.Context, r Reader, w Which, to io.Writer) error {
	out := csv.NewWriter(to)
	header := []string{"device", "epoch", "seq", "site", "camera", "zone", "captured_at", "clock", "received_at", "verdict", "reason",
		"probabilities", "novelty", "frames", "seconds", "model", "variant", "image"}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("export records: %w", err)
	}
	var last *Record
	for {
		page, err := recordsAfter(ctx, r, w, last)
		if err != nil {
			return fmt.Errorf("export records: %w", err)
		}
		for i := range page {
			line, err := page[i].line()
			if err == nil {
				err = out.Write(line)
			}
			if err != nil {
				return fmt.Errorf("export records: %w", err)
			}
		}
		if out.Flush(); out.Error() != nil {
			return fmt.Errorf("export records: %w", out.Error())
		}
		if len(page) < exportPage {
			return nil
		}
		last = &page[len(page)-1]
	}
}

// recordsAfter returns the next page.
func recordsAfter(ctx context.Context, r Reader, w Which, last *Record) ([]Record, error) {
	var page []Record
	q := r.Read().NewSelect().Model(&page).Order("device", "captured_at", "epoch", "seq").Limit(exportPage)
	if w.Device != "" {
		q = q.Where("device = ?", w.Device)
	}
	if w.Site != "" {
		q = q.Where("site = ?", w.Site)
	}
	if !w.From.IsZero() {
		q = q.Where("captured_at >= ?", db.Micros(midnight(w.From)))
	}
	if !w.Until.IsZero() {
		q = q.Where("captured_at < ?", db.Micros(midnight(w.Until).AddDate(0, 0, 1)))
	}
	if last != nil {
		q = q.Where("(device, captured_at, epoch, seq) > (?, ?, ?, ?)", last.Device, last.Captured, last.Epoch, last.Seq)
	}
	return page, q.Scan(ctx)
}

// midnight begins the day that Day names.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func (r *Record) line() ([]string, error) {
	full, err := wire.DecodeRecord([]byte(r.Body))
	if err != nil {
		return nil, fmt.Errorf("%s/%s/%d: %w", r.Device, r.Epoch, r.Seq, err)
	}
	probabilities, err := json.Marshal(full.Probabilities)
	if err != nil {
		return nil, fmt.Errorf("%s/%s/%d: %w", r.Device, r.Epoch, r.Seq, err)
	}
	stamp := func(micros int64) string { return db.Time(micros).UTC().Format(time.RFC3339Nano) }
	number := func(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }
	return []string{
		cell(r.Device), cell(r.Epoch), strconv.FormatInt(r.Seq, 10), cell(r.Site), cell(r.Camera), cell(full.Zone),
		stamp(r.Captured), string(full.Clock), stamp(r.Received), cell(r.Verdict), cell(r.Reason),
		string(probabilities), number(full.Novelty), fmt.Sprint(full.Frames), number(full.Seconds), r.Model, cell(full.Variant), r.Image,
	}, nil
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

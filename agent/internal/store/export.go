package store

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"

	"gourdian/internal/wire"
)

// exportColumns are the CSV's columns; new ones come at the end.
func exportColumns() []string {
	return []string{"seq", "captured_at", "local_time", "camera", "zone", "verdict", "reason", "correction",
		"confidence", "novelty", "frames", "seconds", "clock", "model", "variant", "image", "device", "epoch"}
}

// Export writes the records of [from, to) of the field clock (zero times are no
// bound) as CSV, newest first. local_time is in the board's time zone,
// confidence the largest probability.
func (s *Store) Export(ctx context.Context, w io.Writer, from, to time.Time) error {
	out := csv.NewWriter(w)
	if err := out.Write(exportColumns()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	err := s.db.View(func(txn *badger.Txn) error {
		return s.scan(ctx, txn, 0, func(r wire.Record) (bool, error) {
			if !within(r.CapturedAt, from, to) {
				return true, nil
			}
			e, err := s.entry(txn, r)
			if err != nil {
				return false, err
			}
			return true, out.Write(s.exportRow(&e))
		})
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (s *Store) exportRow(e *Entry) []string {
	correction, confidence := "", ""
	if e.Correction != nil {
		correction = string(e.Correction.Verdict)
	}
	best := 0.0
	for _, p := range e.Probabilities {
		best = max(best, p)
	}
	if len(e.Probabilities) > 0 {
		confidence = decimal(best)
	}
	row := []string{
		strconv.FormatUint(e.Seq, 10),
		e.CapturedAt.Format(time.RFC3339),
		e.CapturedAt.In(s.opts.Location).Format("2006-01-02 15:04:05"),
		e.Camera, e.Zone, string(e.Verdict), string(e.Reason), correction,
		confidence, decimal(e.Novelty), strconv.Itoa(e.Frames), decimal(e.Seconds),
		string(e.Clock), e.Model, e.Variant, e.Image, e.Device, e.Epoch,
	}
	for i := range row {
		row[i] = plainCell(row[i])
	}
	return row
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }

// plainCell keeps a spreadsheet from taking a class or camera name for a
// formula.
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

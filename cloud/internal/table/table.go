// Package table writes rows as Parquet files, as they come: what is in memory is
// one group of rows, however many there are.
package table

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

const (
	// groupRows is how many rows are in memory at a time.
	groupRows = 5000
	// Portion is how many rows a caller does well to put at once.
	Portion = 500
)

// Write writes the rows that fill puts, whose fields have tags "parquet". An
// error of fill is returned as it is; what was written by then is no file.
func Write[T any](to io.Writer, fill func(put func(rows ...T) error) error) error {
	out := parquet.NewGenericWriter[T](to, parquet.MaxRowsPerRowGroup(groupRows), parquet.Compression(&parquet.Snappy))
	put := func(rows ...T) error {
		if _, err := out.Write(rows); err != nil {
			return fmt.Errorf("write parquet: %w", err)
		}
		return nil
	}
	if err := fill(put); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

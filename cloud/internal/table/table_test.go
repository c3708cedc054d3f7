package table

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

type line struct {
	Name  string    `parquet:"name"`
	Count int64     `parquet:"count"`
	Share float64   `parquet:"share"`
	At    time.Time `parquet:"at,timestamp(microsecond)"`
}

func lineOf(i int) line {
	return line{fmt.Sprintf("a picture with a name that is not short, number %d", i), int64(i), float64(i) / 7, time.UnixMicro(int64(i) * 1e6).UTC()}
}

func fillWith(n int) func(put func(...line) error) error {
	return func(put func(...line) error) error {
		rows := make([]line, 0, Portion)
		for i := range n {
			if rows = append(rows, lineOf(i)); len(rows) == Portion || i == n-1 {
				if err := put(rows...); err != nil {
					return err
				}
				rows = rows[:0]
			}
		}
		return nil
	}
}

func TestRowsAreReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, groupRows, 2*groupRows + 3} {
		var file bytes.Buffer
		if err := Write(&file, fillWith(n)); err != nil {
			t.Fatal(err)
		}
		rows, err := parquet.Read[line](bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil || len(rows) != n {
			t.Fatalf("%d of %d rows, %v", len(rows), n, err)
		}
		for i, got := range rows {
			if want := lineOf(i); !got.At.Equal(want.At) || got.Name != want.Name || got.Count != want.Count || got.Share != want.Share {
				t.Fatalf("row %d is %+v", i, got)
			}
		}
	}
}

func TestFileThatWasCutOffIsNone(t *testing.T) {
	t.Parallel()
	broken := errors.New("the database went away")
	var file bytes.Buffer
	err := Write(&file, func(put func(...line) error) error {
		return errors.Join(put(lineOf(1)), broken)
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	if rows, err := parquet.Read[line](bytes.NewReader(file.Bytes()), int64(file.Len())); err == nil {
		t.Errorf("half a file is read as one of %d rows", len(rows))
	}
}

// counter forgets what is written.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// TestManyRowsTakeNoMoreMemoryThanFew is not parallel: it looks at the memory of
// the whole process.
func TestManyRowsTakeNoMoreMemoryThanFew(t *testing.T) {
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	var most uint64
	var out counter
	err := Write(&out, func(put func(...line) error) error {
		for i := range 400_000 {
			if err := put(lineOf(i)); err != nil {
				return err
			}
			if i%50_000 == 49_999 {
				most = max(most, inUse())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// 400,000 rows are 35 MB.
	if grown := int64(most) - int64(before); grown > 16<<20 {
		t.Errorf("%d bytes are held for %d bytes written", grown, out.n)
	}
}

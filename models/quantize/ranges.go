package quantize

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// rangesMagic is the first line of a file of ranges.
const rangesMagic = "# gourdian activation ranges 1"

// Limits of a file of ranges. The default backbone has 58 values.
const (
	rangesMost     = 4096
	rangesFileMost = 1 << 20 // bytes
	rangesNameMost = 100     // bytes of a name
	rangesSpanMost = 1e6     // of a bound: no value of a trained network is near it
)

// ErrRanges is wrapped by errors about a file of ranges.
var ErrRanges = errors.New("not activation ranges")

// Range is what a value of the network spans, in the network's own units.
type Range struct {
	Name     string
	Min, Max float32 // Min <= 0 <= Max, not both 0
}

// Ranges are those of all values that become integers, in the graph's order,
// with the words that say how they were measured.
type Ranges struct {
	Notes  []string // one line each
	Values []Range
}

// Find returns the range of a value.
func (r *Ranges) Find(name string) (Range, bool) {
	for _, v := range r.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Range{}, false
}

// Write writes the file: the notes as comments, then a line for each value.
// What it writes, ReadRanges reads as the same.
func (r *Ranges) Write(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintln(&b, rangesMagic)
	for _, note := range r.Notes {
		fmt.Fprintln(&b, "#", note)
	}
	for _, v := range r.Values {
		fmt.Fprintln(&b, v.Name, number(v.Min), number(v.Max))
	}
	if _, err := ReadRanges(b.Bytes()); err != nil {
		return fmt.Errorf("write activation ranges: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write activation ranges: %w", err)
	}
	return nil
}

// number is the shortest text that reads back as v.
func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }

// ReadRanges reads a file of ranges and checks every line.
func ReadRanges(file []byte) (Ranges, error) {
	r, err := readRanges(file)
	if err != nil {
		return Ranges{}, fmt.Errorf("read activation ranges: %w", err)
	}
	return r, nil
}

func readRanges(file []byte) (Ranges, error) {
	var r Ranges
	if len(file) > rangesFileMost {
		return r, fmt.Errorf("%w: %d bytes", ErrRanges, len(file))
	}
	lines := bufio.NewScanner(bytes.NewReader(file))
	if !lines.Scan() || lines.Text() != rangesMagic {
		return r, fmt.Errorf("%w: the first line is not %q", ErrRanges, rangesMagic)
	}
	seen := map[string]bool{}
	for number := 2; lines.Scan(); number++ {
		line := lines.Text()
		if note, ok := strings.CutPrefix(line, "#"); ok {
			if len(r.Values) > 0 {
				return r, fmt.Errorf("%w: line %d: a note below the values", ErrRanges, number)
			}
			r.Notes = append(r.Notes, strings.TrimSpace(note))
			continue
		}
		v, err := readRange(line)
		if err != nil {
			return r, fmt.Errorf("%w: line %d: %w", ErrRanges, number, err)
		}
		if seen[v.Name] || len(seen) == rangesMost {
			return r, fmt.Errorf("%w: line %d: %q twice, or more than %d values", ErrRanges, number, v.Name, rangesMost)
		}
		seen[v.Name] = true
		r.Values = append(r.Values, v)
	}
	if err := lines.Err(); err != nil {
		return r, fmt.Errorf("%w: %w", ErrRanges, err)
	}
	if len(r.Values) == 0 {
		return r, fmt.Errorf("%w: no values", ErrRanges)
	}
	return r, nil
}

func readRange(line string) (Range, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 || len(fields[0]) > rangesNameMost {
		return Range{}, fmt.Errorf("not a name and two numbers: %.80q", line)
	}
	var bounds [2]float32
	for i, text := range fields[1:] {
		v, err := strconv.ParseFloat(text, 32)
		if err != nil || math.IsNaN(v) || math.Abs(v) > rangesSpanMost {
			return Range{}, fmt.Errorf("%s: no bound: %.40q", fields[0], text)
		}
		bounds[i] = float32(v)
	}
	r := Range{fields[0], bounds[0], bounds[1]}
	if r.Min > 0 || r.Max < 0 || !(r.Max-r.Min >= leastSpan) {
		return Range{}, fmt.Errorf("%s: from %v to %v does not span zero", r.Name, r.Min, r.Max)
	}
	return r, nil
}

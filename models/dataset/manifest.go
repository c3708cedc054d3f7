package dataset

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// maxRows bounds a manifest, so that a wrong file cannot fill the memory.
const maxRows = 1 << 20

// columns are the places of the columns that are read, -1 where there is none.
type columns struct{ file, class, group, split, crop int }

// readManifest reads the rows of a CSV manifest. Lines may be of any length,
// columns in any order; other columns are ignored.
func readManifest(r io.Reader) ([]Entry, []Skip, error) {
	in := csv.NewReader(withoutMark(r))
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	in.LazyQuotes = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the manifest is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	cols, err := findColumns(header)
	if err != nil {
		return nil, nil, err
	}
	var entries []Entry
	var skipped []Skip
	for range maxRows {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return entries, skipped, nil
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := in.FieldPos(0)
		entry, err := cols.entry(row)
		if err != nil {
			name := entry.File
			if name == "" {
				name = fmt.Sprintf("line %d", line)
			}
			skipped = append(skipped, Skip{name, err.Error()})
			continue
		}
		entries = append(entries, entry)
	}
	return nil, nil, fmt.Errorf("more than %d rows", maxRows)
}

func findColumns(header []string) (columns, error) {
	cols := columns{-1, -1, -1, -1, -1}
	places := map[string]*int{
		"file": &cols.file, "class": &cols.class, "group": &cols.group,
		"split": &cols.split, "crop": &cols.crop,
	}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		place, wanted := places[name]
		if !wanted {
			continue
		}
		if *place >= 0 {
			return cols, fmt.Errorf("the column %q stands there twice", name)
		}
		*place = i
	}
	if cols.file < 0 || cols.class < 0 {
		return cols, fmt.Errorf("the first line must name the columns file and class; it names %.200q", strings.Join(header, ","))
	}
	return cols, nil
}

func (c columns) entry(row []string) (Entry, error) {
	field := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		// The reader's memory is used again for the next row.
		return strings.Clone(strings.TrimSpace(row[i]))
	}
	e := Entry{Class: field(c.class), Group: field(c.group), Split: strings.ToLower(field(c.split))}
	file := field(c.file)
	if file == "" {
		return e, errors.New("no file named")
	}
	e.File = path.Clean(strings.ReplaceAll(file, `\`, "/"))
	switch {
	case !utf8.ValidString(e.File) || strings.ContainsRune(e.File, 0):
		e.File = ""
		return e, errors.New("the file's name is not text")
	case path.IsAbs(e.File) || e.File == ".." || strings.HasPrefix(e.File, "../"):
		return e, errors.New("outside the folder of the manifest")
	case e.File == ".":
		return e, errors.New("no file named")
	case e.Class == "":
		return e, errors.New("no class given")
	}
	crop, err := ParseCrop(field(c.crop))
	if err != nil {
		return e, err
	}
	e.Crop = crop
	e.Source = sourceOf(e.File, e.Class)
	return e, nil
}

// withoutMark skips the byte order mark that spreadsheets put first.
func withoutMark(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		// Peek has seen these three bytes, so Discard cannot fail.
		_, _ = in.Discard(3)
	}
	return in
}

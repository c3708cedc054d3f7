package dataset

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gourdian/cloud/internal/sample"
)

// Names of the entries of an archive. A picture's file has its hash as its name
// whatever its form is: decoders look at the bytes.
const (
	manifestCSV = "manifest.csv"
	manifestRaw = "hub-manifest.json"
	picturesDir = "pictures/"
)

func fileOf(image string) string { return picturesDir + image + ".jpg" }

// WriteCSV writes a manifest as a table: its columns file, class, group and
// split are what "gourdianctl model train --data" reads. Pictures of missing are
// left out.
func (m *Manifest) WriteCSV(w io.Writer, missing []string) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"file", "class", "group", "split", "source", "site", "board", "session", "cluster", "labels", "labelled_by"})
	for i := range m.Pictures {
		p := &m.Pictures[i]
		if err != nil {
			break
		}
		if _, gone := slices.BinarySearch(missing, p.Image); gone {
			continue
		}
		versions, raters := make([]string, len(p.Labels)), make([]string, len(p.Labels))
		for j, l := range p.Labels {
			versions[j], raters[j] = strconv.FormatInt(l.Version, 10), l.By
		}
		err = out.Write([]string{
			fileOf(p.Image), string(p.Class), cell(p.Group), string(p.Split), string(p.Source), cell(p.Site), cell(p.Board), cell(p.Session),
			p.Cluster, strings.Join(versions, " "), cell(strings.Join(raters, ", ")),
		})
	}
	out.Flush()
	if err = errors.Join(err, out.Error()); err != nil {
		return fmt.Errorf("write the table of a data set: %w", err)
	}
	return nil
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// WriteZip writes the pictures of a data set with their table, unpacked ready for
// "gourdianctl model train --data", and the manifest itself. Pictures that were
// deleted since stand in the manifest alone. Whoever takes golden pictures out of
// the hub uses them: that is written into the ledger first. One picture is in
// memory at a time.
func (s *Store) WriteZip(ctx context.Context, name, who string, w io.Writer) error {
	m, err := s.Open(ctx, name)
	if err != nil {
		return err
	}
	if golden := len(m.Pictures) - len(m.Learning()); golden > 0 {
		if err := s.note(ctx, name, golden, "export", who); err != nil {
			return err
		}
	}
	out := zip.NewWriter(w)
	err = s.writeZip(ctx, m, out)
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("export data set: %w", err)
	}
	return nil
}

func (s *Store) writeZip(ctx context.Context, m *Manifest, out *zip.Writer) error {
	create := func(name string, method uint16) (io.Writer, error) {
		return out.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: m.AsOf})
	}
	var missing []string // sorted, as the pictures are
	for i := range m.Pictures {
		image := m.Pictures[i].Image
		data, err := s.pictures.Picture(ctx, image)
		if errors.Is(err, sample.ErrNotFound) {
			missing = append(missing, image)
			continue
		}
		if err != nil {
			return err
		}
		file, err := create(fileOf(image), zip.Store) // pictures are small already
		if err == nil {
			_, err = file.Write(data)
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return err
		}
	}
	table, err := create(manifestCSV, zip.Deflate)
	if err == nil {
		err = m.WriteCSV(table, missing)
	}
	if err != nil {
		return err
	}
	data, err := m.Encode()
	if err != nil {
		return err
	}
	raw, err := create(manifestRaw, zip.Deflate)
	if err == nil {
		_, err = raw.Write(data)
	}
	return err
}

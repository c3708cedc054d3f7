package sample

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteCSV writes a line for every picture that the filter leaves. Its columns
// "file" and "class" are what "gourdianctl model train" reads.
func (s *Store) WriteCSV(ctx context.Context, f Filter, w io.Writer) error {
	out := csv.NewWriter(w)
	header := []string{"file", "class", "group", "source", "site", "device", "camera", "zone", "captured_at", "received_at", "why", "verdict",
		"correction", "labelled_by", "fault", "duplicate_of", "width", "height", "sharpness", "brightness", "origin"}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	err := s.Each(ctx, f, func(one *Sample) error {
		return out.Write([]string{
			one.Hash + ".jpg", one.Label, one.group(), string(one.Source), cell(one.Site), cell(one.Device), cell(one.Camera), cell(one.Zone),
			stamp(one.Captured()), stamp(one.Received()), string(one.Why), cell(string(one.Verdict)), cell(string(one.Correction)), cell(one.LabelledBy),
			string(one.Fault), one.DuplicateOf, strconv.Itoa(one.Width), strconv.Itoa(one.Height),
			strconv.FormatFloat(one.Sharpness, 'f', 1, 64), strconv.FormatFloat(one.Brightness, 'f', 1, 64), cell(one.Origin),
		})
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

// group keeps what hangs together on one side of a split: a board's camera on
// one day, or one import.
func (s *Sample) group() string {
	if s.Source == FromBoard {
		return cell(s.Device + "/" + s.Camera + "/" + s.Captured().Format(time.DateOnly))
	}
	name, _, _ := strings.Cut(s.Origin, "/")
	return cell(string(s.Source) + "/" + name)
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// coco is the form of the COCO data set, as far as whole pictures need it.
type coco struct {
	Info        map[string]string `json:"info"`
	Images      []cocoImage       `json:"images"`
	Annotations []cocoAnnotation  `json:"annotations"`
	Categories  []cocoCategory    `json:"categories"`
}

type cocoImage struct {
	ID           int    `json:"id"`
	FileName     string `json:"file_name"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	DateCaptured string `json:"date_captured"`
}

type cocoAnnotation struct {
	ID         int    `json:"id"`
	ImageID    int    `json:"image_id"`
	CategoryID int    `json:"category_id"`
	BBox       [4]int `json:"bbox"` // the whole picture
	Area       int    `json:"area"`
	IsCrowd    int    `json:"iscrowd"`
}

type cocoCategory struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// WriteCOCO writes the labelled pictures that the filter leaves as a COCO data
// set in which each label covers its whole picture.
func (s *Store) WriteCOCO(ctx context.Context, f Filter, w io.Writer) error {
	out := coco{Info: map[string]string{"description": "labels of a gourdian hub"}, Images: []cocoImage{}, Annotations: []cocoAnnotation{}, Categories: []cocoCategory{}}
	var names []string
	err := s.Each(ctx, f, func(one *Sample) error {
		if one.Label == "" {
			return nil
		}
		at := slices.Index(names, one.Label)
		if at < 0 {
			names = append(names, one.Label)
			at = len(names) - 1
			out.Categories = append(out.Categories, cocoCategory{at + 1, one.Label})
		}
		id := len(out.Images) + 1
		out.Images = append(out.Images, cocoImage{id, one.Hash + ".jpg", one.Width, one.Height, stamp(one.Captured())})
		out.Annotations = append(out.Annotations, cocoAnnotation{
			ID: id, ImageID: id, CategoryID: at + 1, BBox: [4]int{0, 0, one.Width, one.Height}, Area: one.Width * one.Height,
		})
		return nil
	})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		return fmt.Errorf("write coco: %w", err)
	}
	return nil
}

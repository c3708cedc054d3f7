//go:build workers

package convert_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
	"gourdian/models/backbone"
)

// photo is a picture of one of ImageNet's classes.
type photo struct {
	path  string
	class int
}

// TestImageNetPhotos counts the photos of which the converted network names
// the class. The expected counts are those of an independent conversion with
// the same crops; decoders and resizers differ by a few photos.
func TestImageNetPhotos(t *testing.T) {
	t.Parallel()
	photos := imageNetPhotos(t, testbed.Photos(t))
	if len(photos) != 373 {
		t.Fatalf("%d photos, expected 373", len(photos))
	}
	runners := []infer.Runner{startBackbone(t), startBackbone(t)}
	for _, c := range []struct {
		crop string
		zone func(w, h int) vision.Zone
		top1 int
		top5 int // 0 where the reference has none
	}{
		{"centred square of 0.875", centred, 329, 363},
		{"whole centred square", func(int, int) vision.Zone { return vision.Zone{} }, 319, 0},
	} {
		top1, top5 := count(t, runners, photos, c.zone)
		t.Logf("%s: top-1 %d, top-5 %d of %d", c.crop, top1, top5, len(photos))
		if max(top1-c.top1, c.top1-top1) > 3 {
			t.Errorf("%s: top-1 right %d, expected %d within 3", c.crop, top1, c.top1)
		}
		if c.top5 > 0 && max(top5-c.top5, c.top5-top5) > 3 {
			t.Errorf("%s: top-5 right %d, expected %d within 3", c.crop, top5, c.top5)
		}
	}
}

// The 8-bit forms may name a few photos less than the float graph, which on a
// processor without VNNI holds for the reduced range only.
func TestImageNetPhotosIn8Bits(t *testing.T) {
	t.Parallel()
	photos := imageNetPhotos(t, testbed.Photos(t))
	right := map[string]int{}
	for _, variant := range backbone.Variants() {
		right[variant], _ = count(t, []infer.Runner{startForm(t, variant), startForm(t, variant)}, photos, centred)
	}
	t.Logf("top-1 right of %d: %v", len(photos), right)
	if !strings.Contains(infer.CPUClass(), "avx2") && right[backbone.INT8] < right[backbone.FP32]-4 {
		t.Errorf("int8 names %d photos, fp32 %d", right[backbone.INT8], right[backbone.FP32])
	}
	if right[backbone.INT8RR] < right[backbone.FP32]-6 {
		t.Errorf("int8-rr names %d photos, fp32 %d", right[backbone.INT8RR], right[backbone.FP32])
	}
}

// centred is the zone in the middle with 0.875 of the shorter side.
func centred(w, h int) vision.Zone {
	side := 0.875 * float64(min(w, h))
	middle := func(whole int) int { return int(10000 * (float64(whole) - side) / 2 / float64(whole)) }
	return vision.Zone{X: middle(w), Y: middle(h), Side: 8750}
}

// imageNetPhotos lists the photos whose source names their ImageNet class.
func imageNetPhotos(t *testing.T, data string) []photo {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(data, "imagenet-classes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	classes := make(map[string]int) // by WordNet id
	for i, line := range strings.Split(strings.TrimSpace(string(list)), "\n") {
		id, _, _ := strings.Cut(line, " ")
		classes[id] = i
	}
	file, err := os.Open(filepath.Join(data, "pumpkins", "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := csv.NewReader(file)
	header, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	name, repo, source := slices.Index(header, "file"), slices.Index(header, "source_repo"), slices.Index(header, "source_path")
	var photos []photo
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return photos
		}
		if err != nil {
			t.Fatal(err)
		}
		if row[repo] != "EliSchwartz/imagenet-sample-images" {
			continue
		}
		id, _, _ := strings.Cut(row[source], "_")
		class, known := classes[id]
		if !known {
			t.Fatalf("%s: no class %q", row[name], id)
		}
		photos = append(photos, photo{filepath.Join(data, "pumpkins", row[name]), class})
	}
}

// count runs the zone of every photo and counts how often its class comes first
// and among the first five.
func count(t *testing.T, runners []infer.Runner, photos []photo, zone func(w, h int) vision.Zone) (top1, top5 int) {
	t.Helper()
	var mu sync.Mutex
	err := features.Compute(t.Context(), runners, features.Job{
		N: len(photos),
		Load: func(_ context.Context, i int, in vision.Tensor) (bool, error) {
			img, err := decode(photos[i].path)
			if err != nil {
				return false, err
			}
			return true, vision.Prepare(in, img, zone(img.W, img.H))
		},
		Save: func(i int, scores *infer.Scores) error {
			best := topClasses(scores.Logits, 5)
			mu.Lock()
			defer mu.Unlock()
			if best[0] == photos[i].class {
				top1++
			}
			if slices.Contains(best, photos[i].class) {
				top5++
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return top1, top5
}

func decode(path string) (vision.Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return vision.Image{}, err
	}
	defer file.Close()
	picture, err := jpeg.Decode(file)
	if err != nil {
		return vision.Image{}, fmt.Errorf("decode %s: %w", path, err)
	}
	b := picture.Bounds()
	img := vision.New(b.Dx(), b.Dy())
	for y := range img.H {
		for x := range img.W {
			red, green, blue, _ := picture.At(b.Min.X+x, b.Min.Y+y).RGBA()
			at := 3 * (y*img.W + x)
			img.Pix[at], img.Pix[at+1], img.Pix[at+2] = uint8(red>>8), uint8(green>>8), uint8(blue>>8)
		}
	}
	return img, nil
}

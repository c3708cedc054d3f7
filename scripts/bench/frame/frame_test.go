package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"
)

func TestCommentedPicturesDifferAndShowTheSame(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 16, 16))
	img.Set(3, 3, color.White)
	if err := jpeg.Encode(&file, img, nil); err != nil {
		t.Fatal(err)
	}
	one, two := withComment(file.Bytes(), 1), withComment(file.Bytes(), 2)
	if bytes.Equal(one, two) {
		t.Error("two pictures are the same")
	}
	plain, err := jpeg.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	commented, err := jpeg.Decode(bytes.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain.(*image.Gray).Pix, commented.(*image.Gray).Pix) {
		t.Error("the comment changed the picture")
	}
}

func TestQuantilesAreValuesThatWereMeasured(t *testing.T) {
	t.Parallel()
	values := []float64{5, 1, 4, 2, 3}
	for share, want := range map[float64]float64{0.5: 3, 0.99: 5, 0.2: 1, 0.21: 2} {
		if got := quantile(values, share); got != want {
			t.Errorf("quantile %v is %v, not %v", share, got, want)
		}
	}
	blocks := pick([][]time.Duration{{time.Millisecond}, {2 * time.Millisecond}}, func(d time.Duration) time.Duration { return d })
	if len(blocks) != 2 || blocks[1][0] != 2 {
		t.Errorf("blocks %v", blocks)
	}
}

//go:build workers

package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
)

func startDecoder(t testing.TB) *capture.Decoder {
	t.Helper()
	d, stop, err := capture.StartDecoder(context.Background(), capture.Options{Program: testbed.Program(t, "gourdian-camera")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return d
}

func TestDecoderSurvivesWhatPeopleUpload(t *testing.T) {
	t.Parallel()
	ctx, d := within(t), startDecoder(t)
	whole := picture(t, 400, 300, 90)
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"no bytes":         {nil, capture.ErrBadImage},
		"cut off":          {whole[:len(whole)/3], capture.ErrBadImage},
		"of 21 megapixels": {picture(t, 21000, 1000, 1), capture.ErrTooLarge},
		"of 31 MB":         {make([]byte, 31<<20), capture.ErrTooLarge},
	} {
		if _, err := d.Decode(ctx, c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 300 { // damage behind the head, where the decoder works
		file := bytes.Clone(whole)
		for range 1 + random.IntN(20) {
			file[300+random.IntN(len(file)-302)] = byte(random.Uint32())
		}
		img, err := d.Decode(ctx, file)
		if err != nil && !errors.Is(err, capture.ErrBadImage) && !errors.Is(err, capture.ErrTooLarge) {
			t.Fatalf("damaged picture: %v", err)
		}
		if err == nil && img.Check() != nil {
			t.Fatalf("damaged picture came out as %dx%d with %d bytes", img.W, img.H, len(img.Pix))
		}
	}
	if img, err := d.Decode(ctx, whole); err != nil || img.W != 400 || img.H != 300 {
		t.Errorf("afterwards: %dx%d, %v", img.W, img.H, err)
	}
}

// The largest picture that is allowed fits through the pipe both ways.
func TestDecoderTakesTwentyMegapixels(t *testing.T) {
	t.Parallel()
	ctx, d := within(t), startDecoder(t)
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 5000, 4000))); err != nil {
		t.Fatal(err)
	}
	img, err := d.Decode(ctx, file.Bytes())
	if err != nil || img.W != 5000 || img.H != 4000 {
		t.Fatalf("%dx%d, %v", img.W, img.H, err)
	}
	if _, err := d.Encode(ctx, img, 50); err != nil {
		t.Error(err)
	}
}

func TestPrepareInTheWorkerIsPrepareHere(t *testing.T) {
	t.Parallel()
	ctx, d := within(t), startDecoder(t)
	file := picture(t, 1280, 720, 90)
	img, err := d.Decode(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	zones := []vision.Zone{{}, {X: 1000, Y: 2000, Side: 4321}}
	tensors, _, _, err := d.Prepare(ctx, file, zones...)
	if err != nil {
		t.Fatal(err)
	}
	want := make(vision.Tensor, vision.TensorLen)
	for i, zone := range zones {
		if err := vision.Prepare(want, img, zone); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tensors[i], want) {
			t.Errorf("zone %d differs", i)
		}
	}
}

func TestEveryPhotoIsRead(t *testing.T) {
	ctx, d := context.Background(), startDecoder(t)
	files, err := filepath.Glob(filepath.Join(testbed.Photos(t), "pumpkins", "pumpkin_field", "*.jpg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d photos: %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := d.Prepare(ctx, file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A frame's way: JPEG to the worker, tensor back.
func BenchmarkPrepare720pThroughTheWorker(b *testing.B) {
	d := startDecoder(b)
	file := picture(b, 1280, 720, 90)
	for b.Loop() {
		if _, _, _, err := d.Prepare(context.Background(), file); err != nil {
			b.Fatal(err)
		}
	}
}

package capture_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/capture/capturetest"
	"gourdian/internal/vision"
)

func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecoderThereAndBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := capture.NewDecoder(&direct{handler: capture.NewDecodeHandler(capturetest.Codec{})})
	img := capturetest.Plain(300, 200, 10, 100, 200)
	file, err := d.Encode(ctx, img, 95)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Decode(ctx, file)
	if err != nil || again.W != 300 || again.H != 200 {
		t.Fatalf("%dx%d: %v", again.W, again.H, err)
	}
	for i, v := range again.Pix {
		if diff := int(v) - int(img.Pix[i]); diff < -4 || diff > 4 {
			t.Fatalf("byte %d is %d, was %d", i, v, img.Pix[i])
		}
	}
	zones := []vision.Zone{{}, {X: 100, Y: 100, Side: 3000}}
	tensors, w, h, err := d.Prepare(ctx, file, zones...)
	if err != nil || w != 300 || h != 200 || len(tensors) != 2 {
		t.Fatalf("%d tensors of %dx%d: %v", len(tensors), w, h, err)
	}
	for i, zone := range zones {
		want := make(vision.Tensor, vision.TensorLen)
		if err := vision.Prepare(want, again, zone); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tensors[i], want) {
			t.Errorf("zone %d differs from decoding and preparing here", i)
		}
	}
	if one, _, _, err := d.Prepare(ctx, file); err != nil || !bytes.Equal(one[0], tensors[0]) {
		t.Errorf("without zones: %v", err)
	}
}

func TestDecoderErrorsKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	d := capture.NewDecoder(&direct{handler: capture.NewDecodeHandler(capturetest.Codec{})})
	whole := pngOf(t, 50, 50)
	cut := whole[:len(whole)-20]
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"not a picture": {[]byte("x"), capture.ErrBadImage},
		"cut off":       {cut, capture.ErrBadImage},
		"21 megapixels": {pngOf(t, 21000, 1000), capture.ErrTooLarge},
	} {
		if _, err := d.Decode(t.Context(), c.file); !errors.Is(err, c.want) {
			t.Errorf("decode %s: %v", name, err)
		}
		if _, _, _, err := d.Prepare(t.Context(), c.file); !errors.Is(err, c.want) {
			t.Errorf("prepare %s: %v", name, err)
		}
	}
	if _, err := d.Encode(t.Context(), vision.Image{W: 5, H: 5}, 85); !errors.Is(err, vision.ErrBadImage) {
		t.Errorf("encode nothing: %v", err)
	}
}

func FuzzInspect(f *testing.F) {
	jpeg, err := capturetest.Codec{}.Encode(capturetest.Plain(9, 9, 1, 2, 3), 50)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range [][]byte{nil, jpeg, jpeg[:len(jpeg)-2], pngOf(f, 3, 3), []byte("GIF89a\xff\xff\xff\xff"), []byte("RIFF\x00\x00\x00\x00WEBPVP8 "), []byte("BM")} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := capture.Inspect(file)
		if err != nil {
			if !errors.Is(err, capture.ErrBadImage) && !errors.Is(err, capture.ErrTooLarge) {
				t.Errorf("error without meaning: %v", err)
			}
			return
		}
		if info.W < 1 || info.H < 1 || info.W*info.H > capture.MaxPixels {
			t.Errorf("%+v", info)
		}
	})
}

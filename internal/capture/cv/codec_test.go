//go:build gocv_specific_modules && gocv_videoio

package cv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/capture/cv"
	"gourdian/internal/vision"
)

// sloped is a picture without noise, so that a lossy file stays close to it.
func sloped(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(255 * x / w), uint8(255 * y / h), 90, 255})
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newCodec(t testing.TB) *cv.Codec {
	t.Helper()
	codec, err := cv.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := codec.Close(); err != nil {
			t.Error(err)
		}
	})
	return codec
}

func TestDecodeReadsEveryKindOfFile(t *testing.T) {
	t.Parallel()
	deep := image.NewRGBA64(image.Rect(0, 0, 48, 32))
	grey := image.NewGray(deep.Rect)
	palette := image.NewPaletted(deep.Rect, color.Palette{color.NRGBA{0, 200, 0, 255}, color.White})
	for i := range 48 * 32 {
		deep.SetRGBA64(i%48, i/48, color.RGBA64{0xffff, 0x8080, 0, 0xffff})
		grey.Pix[i] = 77
	}
	for name, c := range map[string]struct {
		file    []byte
		r, g, b int // of the middle; -1 = any
	}{
		"jpeg":             {asJPEG(t, sloped(48, 32)), 127, 127, 90},
		"png":              {asPNG(t, sloped(48, 32)), 127, 127, 90},
		"png of 16 bits":   {asPNG(t, deep), 255, 128, 0},
		"png of greys":     {asPNG(t, grey), 77, 77, 77},
		"png of a palette": {asPNG(t, palette), 0, 200, 0},
		"cmyk jpeg":        {stored(t, "cmyk.jpg"), -1, -1, -1},
		"progressive jpeg": {stored(t, "progressive.jpg"), -1, 0, -1},
		"webp":             {stored(t, "lossy.webp"), -1, 0, -1},
		"bmp":              {stored(t, "plain.bmp"), -1, 0, -1},
		"gif":              {stored(t, "palette.gif"), -1, 0, -1},
	} {
		var img vision.Image
		if err := newCodec(t).Decode(c.file, &img); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.W != 48 || img.H != 32 || img.Check() != nil {
			t.Errorf("%s: %dx%d with %d bytes", name, img.W, img.H, len(img.Pix))
			continue
		}
		for i, want := range []int{c.r, c.g, c.b} {
			if got := int(img.Pix[3*(16*48+24)+i]); want >= 0 && max(got-want, want-got) > 6 {
				t.Errorf("%s: colour %d of the middle is %d, want %d", name, i, got, want)
			}
		}
	}
}

func stored(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDecodeRefusesWhatIsNoWholePicture(t *testing.T) {
	t.Parallel()
	whole := asJPEG(t, sloped(640, 480))
	huge := asPNG(t, sloped(2, 2))
	binary.BigEndian.PutUint32(huge[16:], 100_000) // width and height in IHDR, with its checksum
	binary.BigEndian.PutUint32(huge[20:], 100_000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	wide := bytes.Clone(whole)
	sof := bytes.Index(wide, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(wide[sof+5:], 65000)
	binary.BigEndian.PutUint16(wide[sof+7:], 65000)
	damaged := asPNG(t, sloped(64, 64))
	damaged[len(damaged)/2] ^= 0xff
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"no bytes":               {nil, capture.ErrBadImage},
		"text":                   {[]byte("hello, pumpkin"), capture.ErrBadImage},
		"jpeg cut in the head":   {whole[:100], capture.ErrBadImage},
		"jpeg cut in the middle": {whole[:len(whole)/2], capture.ErrBadImage},
		"jpeg without its end":   {whole[:len(whole)-2], capture.ErrBadImage},
		"jpeg of 4 gigapixels":   {wide, capture.ErrTooLarge},
		"png of 10 gigapixels":   {huge, capture.ErrTooLarge},
		"damaged png":            {damaged, capture.ErrBadImage},
		"31 MB":                  {append(bytes.Clone(whole), make([]byte, 31<<20)...), capture.ErrTooLarge},
	} {
		var img vision.Image
		if err := newCodec(t).Decode(c.file, &img); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestDecodeTurnsUprightOnce(t *testing.T) {
	t.Parallel()
	file := asJPEG(t, sloped(48, 32))
	exif := "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	turned := append([]byte{0xff, 0xd8}, append([]byte(exif), file[2:]...)...)
	codec := newCodec(t)
	var plain, got vision.Image
	if err := errors.Join(codec.Decode(file, &plain), codec.Decode(turned, &got)); err != nil {
		t.Fatal(err)
	}
	want := vision.Upright(plain, 6)
	if got.W != 32 || got.H != 48 || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("a JPEG with orientation 6 came out as %dx%d, other pixels: %v", got.W, got.H, !bytes.Equal(got.Pix, want.Pix))
	}
}

func TestEncodeGivesBackNearlyTheSamePicture(t *testing.T) {
	t.Parallel()
	codec := newCodec(t)
	var img, again vision.Image
	if err := codec.Decode(asPNG(t, sloped(101, 57)), &img); err != nil {
		t.Fatal(err)
	}
	for _, quality := range []int{100, 85, 30} {
		file, err := codec.Encode(img, quality)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.Decode(file, &again); err != nil {
			t.Fatal(err)
		}
		worst := 0
		for i, v := range again.Pix {
			worst = max(worst, int(v)-int(img.Pix[i]), int(img.Pix[i])-int(v))
		}
		if worst > 40 { // chroma is halved; swapped channels would differ by 255
			t.Errorf("quality %d: a byte differs by %d", quality, worst)
		}
	}
	if _, err := codec.Encode(vision.Image{W: 3, H: 3}, 85); err == nil {
		t.Error("a picture without pixels was encoded")
	}
}

// Mats are C memory that the collector never sees: one forgotten Close in
// Decode would cost 2.7 MB a frame, 5 GB over this loop.
func TestCodecKeepsNoNativeMemory(t *testing.T) {
	codec := newCodec(t)
	file := asJPEG(t, sloped(1280, 720))
	var img vision.Image
	round := func(n int) {
		for i := range n {
			if err := codec.Decode(file, &img); err != nil {
				t.Fatal(err)
			}
			if i%20 == 0 {
				if _, err := codec.Encode(img, 85); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	round(50)
	before := residentMB(t)
	round(2000)
	if grown := residentMB(t) - before; grown > 60 {
		t.Errorf("resident memory grew by %d MB in 2,000 decodes", grown)
	}
}

func residentMB(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb >> 10
		}
	}
	t.Fatal("no VmRSS in /proc/self/status")
	return 0
}

func BenchmarkDecode720p(b *testing.B) {
	codec, file := newCodec(b), asJPEG(b, sloped(1280, 720))
	var img vision.Image
	for b.Loop() {
		_ = codec.Decode(file, &img)
	}
}

func BenchmarkEncode720p(b *testing.B) {
	codec := newCodec(b)
	var img vision.Image
	if err := codec.Decode(asJPEG(b, sloped(1280, 720)), &img); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, _ = codec.Encode(img, 85)
	}
}

//go:build arm64emulated

package arm64

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// pictureOf is a picture with slopes, edges and fine structure.
func pictureOf(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			wave := uint8(40 * (1 + math.Sin(float64(x*y)/50)))
			img.SetNRGBA(x, y, color.NRGBA{uint8(200 * x / w), wave + uint8(150*y/h), uint8(90 + 100*(x/40%2)), 255})
		}
	}
	return img
}

// turned is a JPEG with a note (EXIF) that it lies on its side.
func turned(jpeg []byte) []byte {
	const orientation, short, quarterTurn = 0x0112, 3, 6
	tiff := binary.BigEndian.AppendUint32([]byte("MM\x00*"), 8)
	for _, v := range []uint16{1, orientation, short, 0, 1, quarterTurn, 0, 0, 0} {
		tiff = binary.BigEndian.AppendUint16(tiff, v)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	out := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(body)+2))
	return append(append(out, body...), jpeg[2:]...)
}

// photos are one picture in every kind of file that phones and cameras give.
func photos(t *testing.T) map[string][]byte {
	t.Helper()
	const w, h = 397, 233 // no multiple of a block, so that edges are decoded too
	var asJPEG, asPNG bytes.Buffer
	if err := errors.Join(jpeg.Encode(&asJPEG, pictureOf(w, h), &jpeg.Options{Quality: 88}), png.Encode(&asPNG, pictureOf(w, h))); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"jpeg": asJPEG.Bytes(), "jpeg, turned": turned(asJPEG.Bytes()), "png": asPNG.Bytes()}
	dir := t.TempDir()
	from := filepath.Join(dir, "from.png")
	if err := os.WriteFile(from, asPNG.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, lossless := range map[string]string{"webp": "0", "webp, lossless": "1"} {
		to := filepath.Join(dir, lossless+".webp")
		run(t, "ffmpeg", "-v", "error", "-i", from, "-c:v", "libwebp", "-lossless", lossless, to)
		file, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

func TestPhotosDecodeOnARMAsHere(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	here := decoder(ctx, t, testbed.Program(t, capture.Program))
	there := decoder(ctx, t, filepath.Join(emulated(t), capture.Program))
	for name, file := range photos(t) {
		want, err := here.Decode(ctx, file)
		if err != nil {
			t.Fatalf("%s here: %v", name, err)
		}
		got, err := there.Decode(ctx, file)
		if err != nil {
			t.Fatalf("%s on ARM: %v", name, err)
		}
		if w, h := 397, 233; name == "jpeg, turned" && (got.W != h || got.H != w) || name != "jpeg, turned" && (got.W != w || got.H != h) {
			t.Errorf("%s: %dx%d", name, got.W, got.H)
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: levels apart: %v", name, levels(want.Pix, got.Pix))
		}
		tensors, _, _, err := there.Prepare(ctx, file)
		if err != nil {
			t.Fatal(err)
		}
		prepared := make(vision.Tensor, vision.TensorLen)
		if err := vision.Prepare(prepared, want, vision.Zone{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tensors[0], prepared) {
			t.Errorf("%s: what the model sees is apart: %v", name, levels(prepared, tensors[0]))
		}
	}
	img := vision.Image{W: 2, H: 1, Pix: make([]byte, 6)}
	if _, err := there.Encode(ctx, img, capture.JPEGQuality); err != nil {
		t.Error(err)
	}
	if _, err := there.Decode(ctx, photos(t)["jpeg"][:500]); !errors.Is(err, capture.ErrBadImage) {
		t.Errorf("half a picture on ARM: %v", err)
	}
}

func decoder(ctx context.Context, t *testing.T, program string) *capture.Decoder {
	t.Helper()
	spec, err := capture.DecodeSpec(capture.Options{Program: program})
	if err != nil {
		t.Fatal(err)
	}
	spec.HelloTimeout, spec.CallTimeout = answerWithin, answerWithin
	process, err := worker.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Close)
	return capture.NewDecoder(process)
}

// apartBy says how two pictures differ, in levels of 255.
type apartBy struct {
	largest int
	mean    float64
}

func levels(want, got []byte) apartBy {
	if len(want) != len(got) {
		return apartBy{255, 255}
	}
	var a apartBy
	for i := range want {
		d := max(want[i], got[i]) - min(want[i], got[i])
		a.largest = max(a.largest, int(d))
		a.mean += float64(d) / float64(len(want))
	}
	return a
}

// clipFrames is more than two seconds: the decoder has to give up what it holds
// back at the end too.
const clipFrames = 53

// How far a frame may be apart, in levels of 255: twice what was measured. H.264
// gives the same on every processor; turning it to RGB rounds as the processor's
// own instructions do.
const (
	videoLargest = 6
	videoMean    = 0.8
)

func TestAVideoDecodesOnARMAsHere(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25",
		"-frames:v", fmt.Sprint(clipFrames), "-c:v", "libx264", "-pix_fmt", "yuv420p", clip)
	want := watch(ctx, t, testbed.Program(t, capture.Program), clip)
	got := watch(ctx, t, filepath.Join(emulated(t), capture.Program), clip)
	if len(got) != clipFrames || len(want) != clipFrames {
		t.Fatalf("%d frames on ARM, %d here, %d in the video", len(got), len(want), clipFrames)
	}
	var most apartBy
	for i := range got {
		a := levels(want[i].Tensors[0], got[i].Tensors[0])
		most.largest, most.mean = max(most.largest, a.largest), max(most.mean, a.mean)
		if got[i].W != 320 || got[i].H != 240 {
			t.Errorf("frame %d has %dx%d", i, got[i].W, got[i].H)
		}
	}
	t.Logf("%d frames, apart by %+v levels", clipFrames, most)
	if most.largest > videoLargest || most.mean > videoMean {
		t.Errorf("apart by %+v levels", most)
	}
	if bytes.Equal(got[0].Tensors[0], got[clipFrames-1].Tensors[0]) {
		t.Error("the first frame is the last one")
	}
}

// watch returns every frame of a video.
func watch(ctx context.Context, t *testing.T, program, clip string) []*capture.Frame {
	t.Helper()
	spec, err := capture.CameraSpec("file:"+clip+"?pace=fast", capture.Options{Program: program})
	if err != nil {
		t.Fatal(err)
	}
	spec.HelloTimeout, spec.CallTimeout = answerWithin, answerWithin
	process, err := worker.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	camera := capture.NewCamera(process, capture.Finite)
	var frames []*capture.Frame
	for {
		frame, err := camera.Next(ctx, capture.Request{})
		switch {
		case errors.Is(err, io.EOF):
			return frames
		case err == nil:
			frames = append(frames, frame)
		case !errors.Is(err, capture.ErrNoPicture):
			t.Fatalf("frame %d: %v", len(frames)+1, err)
		}
	}
}

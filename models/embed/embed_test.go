package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
	"gourdian/models/dataset"
)

// decoder decodes PNG in this process and counts.
type decoder struct {
	calls int
	down  error
}

func (d *decoder) Decode(_ context.Context, file []byte) (vision.Image, error) {
	d.calls++
	if d.down != nil {
		return vision.Image{}, d.down
	}
	src, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return vision.Image{}, fmt.Errorf("%w: %w", capture.ErrBadImage, err)
	}
	b := src.Bounds()
	img := vision.New(b.Dx(), b.Dy())
	for i := range b.Dx() * b.Dy() {
		r, g, bl, _ := src.At(i%b.Dx(), i/b.Dx()).RGBA()
		img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = uint8(r>>8), uint8(g>>8), uint8(bl>>8)
	}
	return img, nil
}

func pngOf(seed int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for i := range img.Pix {
		img.Pix[i] = uint8(40 + (i*seed+i*i/97)%150)
	}
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func folder(t *testing.T, files map[string][]byte) *dataset.Set {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := dataset.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

func extractor(t *testing.T, cache string, d *decoder) *Extractor {
	t.Helper()
	c, err := OpenCache(cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &Extractor{Importer: Importer{Decoder: d}, Networks: []Network{{"fake", []infer.Runner{fake.New(3), fake.New(3)}}}, Cache: c, Step: func() {}}
}

func TestSecondTrainingDecodesNothingAndGivesTheSame(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{}
	for i := range 40 { // more than two batches
		files[fmt.Sprintf("good/%d.png", i)] = pngOf(i)
	}
	set, cache, d := folder(t, files), t.TempDir(), &decoder{}
	first, skipped, err := extractor(t, cache, d).Extract(context.Background(), set, TrainingViews())
	if err != nil || len(skipped) != 0 || d.calls != 40 {
		t.Fatalf("%d skipped, %d decoded, %v", len(skipped), d.calls, err)
	}
	second, _, err := extractor(t, cache, d).Extract(context.Background(), set, TrainingViews())
	if err != nil || d.calls != 40 {
		t.Fatalf("the second run decoded %d pictures, %v", d.calls-40, err)
	}
	fresh, _, err := extractor(t, t.TempDir(), &decoder{}).Extract(context.Background(), set, TrainingViews())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(first, fresh) {
		t.Error("pictures depend on the cache")
	}
	if len(first) != 40 || len(first[0].Views) != 4 || len(first[0].Views[3]) != 1280 {
		t.Errorf("%d pictures of %d views", len(first), len(first[0].Views))
	}
}

func TestCacheIsNotAskedForWhatItsValuesDoNotDependOn(t *testing.T) {
	t.Parallel()
	set, cache, d := folder(t, map[string][]byte{"a/1.png": pngOf(3)}), t.TempDir(), &decoder{}
	for i, change := range []func(*Extractor){
		func(*Extractor) {},
		func(x *Extractor) { x.Networks[0].ID = "other" },
		func(x *Extractor) { x.KeepBars = true },
	} {
		x := extractor(t, cache, d)
		change(x)
		if _, _, err := x.Extract(context.Background(), set, TrainingViews()); err != nil || d.calls != i+1 {
			t.Errorf("change %d: %d pictures decoded in all, %v", i, d.calls, err)
		}
	}
}

func TestPicturesThatCannotBeUsedAreListedNotFatal(t *testing.T) {
	t.Parallel()
	set := folder(t, map[string][]byte{
		"a/1.png": pngOf(1), "a/2.png": []byte("no picture"), "a/3.png": {}, "a/4.png": pngOf(1),
		"a/5.png": pngOf(5), "b/6.png": pngOf(5), "b/7.png": pngOf(7),
	})
	pictures, skipped, err := extractor(t, t.TempDir(), &decoder{}).Extract(context.Background(), set, []View{Plain})
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, s := range skipped {
		reasons[s.File] = s.Reason
	}
	want := map[string]string{
		"a/2.png": capture.ErrBadImage.Error() + ": png: invalid format: not a PNG file", "a/3.png": "the file is empty", "a/4.png": "the same picture as a/1.png",
		"a/5.png": "the same picture stands in more than one class", "b/6.png": "the same picture stands in more than one class",
	}
	if !reflect.DeepEqual(reasons, want) {
		t.Errorf("skipped = %v, want %v", reasons, want)
	}
	if len(pictures) != 2 || pictures[1].Entry.File != "b/7.png" {
		t.Errorf("%d pictures are left", len(pictures))
	}
}

func TestDeadDecoderEndsTheWork(t *testing.T) {
	t.Parallel()
	set := folder(t, map[string][]byte{"a/1.png": pngOf(1)})
	_, _, err := extractor(t, t.TempDir(), &decoder{down: worker.ErrDown}).Extract(context.Background(), set, []View{Plain})
	if !errors.Is(err, worker.ErrDown) {
		t.Errorf("error = %v", err)
	}
}

func TestCacheCutShortByAKillLosesOnlyItsLastValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *Cache {
		c, err := OpenCache(dir)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	for i := range 3 {
		if err := c.Put(KeyOf("key", fmt.Sprint(i)), bytes.Repeat([]byte{byte(i)}, 100)); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	path := filepath.Join(dir, cacheName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut":     whole[:len(whole)-30],
		"flipped": append(slices.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1),
		"length":  append(slices.Clone(whole), bytes.Repeat([]byte{0xff}, 60)...),
		"foreign": []byte("something else entirely"),
	} {
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		c := open()
		_, first := c.Get(KeyOf("key", "1"))
		_, last := c.Get(KeyOf("key", "2"))
		if wantFirst, wantLast := name != "foreign", name == "length"; first != wantFirst || last != wantLast {
			t.Errorf("%s: second value %v, third %v", name, first, last)
		}
		if err := c.Put(KeyOf("after"), []byte("x")); err != nil {
			t.Fatal(err)
		}
		c.Close()
		c = open()
		if v, ok := c.Get(KeyOf("after")); !ok || string(v) != "x" {
			t.Errorf("%s: a value put behind the damage is lost", name)
		}
		c.Close()
	}
}

func FuzzCache(f *testing.F) {
	f.Add([]byte("x"))
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := int64(0)
		end := readRecords(bytes.NewReader(data), func(_ Key, p place) { read = p.offset + int64(p.length) })
		if end > int64(len(cacheMagic)+len(data)) || read > end {
			t.Errorf("%d bytes read as %d", len(data), end)
		}
	})
}

func TestAnotherNetworkSeesTheSamePicturesDecodedOnce(t *testing.T) {
	t.Parallel()
	set, cache, d := folder(t, map[string][]byte{"good/1.png": pngOf(1), "bad/2.png": pngOf(2)}), t.TempDir(), &decoder{}
	if _, _, err := extractor(t, cache, d).Extract(context.Background(), set, TrainingViews()); err != nil {
		t.Fatal(err)
	}
	x := extractor(t, cache, d)
	second := fake.New(3)
	second.Score(func(in vision.Tensor, out *infer.Scores) { out.Embedding[0] = float32(in[7]) + 0.5 })
	runs := 0
	x.Networks[0].Runners[0].(*fake.Runner).Score(func(vision.Tensor, *infer.Scores) { runs++ })
	x.Networks = append(x.Networks, Network{"second", []infer.Runner{second}})
	got, _, err := x.Extract(context.Background(), set, TrainingViews())
	if err != nil || d.calls != 4 || runs != 0 {
		t.Fatalf("%d decoded in all, the first network ran %d times, %v", d.calls, runs, err)
	}
	for _, p := range got {
		first, other := p.Through(0), p.Through(1)
		if len(p.Others) != 1 || !reflect.DeepEqual(first.Views, p.Views) || !reflect.DeepEqual(other.Views, p.Others[0]) {
			t.Errorf("%s: views are mixed up", p.Entry.File)
		}
		if other.Views[0][0] == 0 || float64(other.Views[0][0])-float64(int(other.Views[0][0])) != 0.5 {
			t.Errorf("%s: the second network gave %v", p.Entry.File, other.Views[0][0])
		}
	}
}

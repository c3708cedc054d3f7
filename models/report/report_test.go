package report

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"gourdian/internal/bundle"
	"gourdian/internal/vision"
	"gourdian/internal/web"
	"gourdian/models/dataset"
	"gourdian/models/embed"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const attack = `<script>alert(1)</script>`

// plain decodes PNG files; a real report asks the camera worker.
type plain struct{}

func (plain) Decode(_ context.Context, file []byte) (vision.Image, error) {
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return vision.Image{}, err
	}
	out := vision.New(img.Bounds().Dx(), img.Bounds().Dy())
	for y := range out.H {
		for x := range out.W {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			copy(out.Pix[(y*out.W+x)*3:], []uint8{c.R, c.G, c.B})
		}
	}
	return out, nil
}

// photos writes n pictures of each class and what a model said of them: the
// last of each class is wrong.
func photos(t *testing.T, classes []string, n int) (*Pictures, []evaluate.Judged) {
	t.Helper()
	dir := t.TempDir()
	for k, class := range classes {
		if err := os.Mkdir(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			img := image.NewRGBA(image.Rect(0, 0, 64, 48))
			for p := range img.Pix {
				img.Pix[p] = uint8(p*(k+1) + i)
			}
			var out bytes.Buffer
			if err := png.Encode(&out, img); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, class, fmt.Sprintf("%d.png", i)), out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, err := dataset.Open(dir, dataset.Renames{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	var all []evaluate.Judged
	for i, e := range set.Entries {
		truth := slices.Index(classes, e.Class)
		s := evaluate.Sample{File: e.File, Group: i, Truth: truth, Top: truth, Probabilities: make([]float64, len(classes))}
		if strings.HasSuffix(e.File, fmt.Sprintf("%d.png", n-1)) {
			s.Top = (truth + 1) % len(classes)
		}
		for k := range s.Probabilities {
			s.Probabilities[k] = 0.1 / float64(len(classes)-1)
		}
		s.Probabilities[s.Top] = 0.9
		all = append(all, evaluate.Judged{Entry: e, Sample: s})
	}
	return &Pictures{Set: set, Importer: embed.Importer{Decoder: plain{}, KeepBars: true}}, all
}

func speaker(t *testing.T, lang web.Lang) *web.Speaker {
	t.Helper()
	s, err := Speaker(lang)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func evaluated(all []evaluate.Judged, classes []string) *evaluate.Report {
	r := &evaluate.Report{Bundle: "0123456789abcdef", DataKind: bundle.KindRendered, Judged: all,
		Unknown: map[string]evaluate.Unfamiliar{attack: {Count: 3, Novel: .5, Unsure: 1}}, Seen: 2}
	r.Figures = evaluate.Measure(classes, samples(all), evaluate.Options{Grouped: true, Seed: 1})
	return r
}

// alone fails where a page needs anything but itself, or leaves a text out.
func alone(t *testing.T, page string) {
	t.Helper()
	for _, forbidden := range []string{"<script", "http:", "https:", "<link", "@import", "url(", "[report.", "ZgotmplZ", "NaN"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
	for _, src := range regexp.MustCompile(`src="([^"]{0,30})`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(src[1], "data:image/jpeg;base64,") {
			t.Errorf("a picture from elsewhere: %s", src[1])
		}
	}
}

func TestEvaluationIsAPageThatStandsByItselfInBothLanguages(t *testing.T) {
	t.Parallel()
	classes := []string{"good", "bad", attack[1:7]}
	pictures, all := photos(t, classes, 6)
	labels := []bundle.Class{{Name: "good"}, {Name: "bad"}, {Name: attack[1:7], Labels: map[string]string{"en": attack, "es": attack}}}
	for _, lang := range web.Languages() {
		var out bytes.Buffer
		if err := Evaluation(t.Context(), &out, speaker(t, lang), evaluated(all, classes), labels, pictures); err != nil {
			t.Fatal(err)
		}
		alone(t, out.String())
		if n := strings.Count(out.String(), `class="picture right"`); n != 3*rightShown {
			t.Errorf("%d right pictures", n)
		}
		if n := strings.Count(out.String(), `class="picture wrong"`); n != 3 {
			t.Errorf("%d wrong pictures", n)
		}
		if !strings.Contains(out.String(), "&lt;script&gt;") || !strings.Contains(out.String(), "83") {
			t.Error("the class of the attack or the share of right ones is missing")
		}
	}
}

func TestTrainingShowsCurveVariantsAndWarnings(t *testing.T) {
	t.Parallel()
	classes := []string{"good", "bad"}
	pictures, all := photos(t, classes, 5)
	doubled := 0.9
	r := &train.Report{Bundle: "0123456789abcdef", Judged: all, Learning: &train.LearningReport{Doubled: &doubled, Points: []train.LearningPoint{
		{Images: 10, BalancedAccuracy: evaluate.Interval{Value: .6, Low: .5, High: .7}}, {Images: 20, BalancedAccuracy: evaluate.Interval{Value: .8, Low: .7, High: .9}},
	}}}
	r.Data.Suspects = make([]train.SuspectPair, 2)
	r.Figures = evaluate.Measure(classes, samples(all), evaluate.Options{Grouped: true, Seed: 1})
	r.Variants = []train.VariantReport{{Name: "int8-rr"}}
	var out bytes.Buffer
	if err := Training(t.Context(), &out, speaker(t, web.English), r, nil, pictures); err != nil {
		t.Fatal(err)
	}
	alone(t, out.String())
	for _, want := range []string{"bring 10.0 points", "int8-rr", "2 pairs of near-duplicates", "has only 5 pictures"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestNothingMeasuredIsSaidInsteadOfDrawn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Evaluation(t.Context(), &out, speaker(t, web.Spanish), evaluated(nil, []string{"good", "bad"}), nil, &Pictures{}); err != nil {
		t.Fatal(err)
	}
	alone(t, out.String())
	if !strings.Contains(out.String(), "No se pudo medir nada") || strings.Contains(out.String(), "<svg") {
		t.Error(out.String())
	}
}

func TestPictureThatVanishedSinceIsLeftOut(t *testing.T) {
	t.Parallel()
	classes := []string{"good", "bad"}
	pictures, all := photos(t, classes, 3)
	all[0].Entry.File = "bad/gone.png"
	got, err := words{speaker(t, web.English), nil}.examples(t.Context(), pictures, classes, all)
	if err != nil || len(got) != 2 || len(got[1].Right)+len(got[1].Wrong) != 2 {
		t.Fatalf("%d classes, %v", len(got), err)
	}
}

func TestPrecisionAndRecallByHand(t *testing.T) {
	t.Parallel()
	sample := func(truth int, p float64) evaluate.Sample {
		return evaluate.Sample{Truth: truth, Probabilities: []float64{p, 1 - p}}
	}
	points := precisionRecall([]evaluate.Sample{sample(1, .8), sample(0, .9), sample(0, .8), sample(0, .1)}, 0)
	want := [][2]float64{{1. / 3, 1}, {2. / 3, 2. / 3}, {1, .75}} // the tie at 0.8 is one point
	if len(points) != len(want) {
		t.Fatalf("%d points", len(points))
	}
	for i, p := range points {
		if math.Abs(p.X-want[i][0])+math.Abs(p.Y-want[i][1]) > 1e-12 {
			t.Errorf("point %d: %v", i, p)
		}
	}
}

func TestEveryTextOfAReportIsUsed(t *testing.T) {
	t.Parallel()
	var source []byte
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".go")) && !strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			source = append(source, text...)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := web.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range c.Keys(web.English) {
		form := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		if strings.HasPrefix(key, "report.") && !bytes.Contains(source, []byte(`"`+form+`"`)) {
			t.Errorf("nothing uses %s", key)
		}
	}
}

package predict

import (
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/vision"
)

func TestNobodyDoubtsWithoutAChampion(t *testing.T) {
	t.Parallel()
	if doubt, known := newRig(t, nil).Doubts(t.Context(), make(vision.Tensor, vision.TensorLen)); doubt || known {
		t.Errorf("doubt %v, known %v", doubt, known)
	}
}

func TestWhatIsSurelyNoPumpkinIsDoubtedAndAnOddOneIsNot(t *testing.T) {
	t.Parallel()
	none := func(m *bundle.Manifest) {
		m.Classes[1] = bundle.Class{Name: "not_pumpkin", Labels: map[string]string{"en": "no pumpkin", "es": "no es calabaza"}}
	}
	strict := func(kind string) func(*bundle.Manifest) {
		return func(m *bundle.Manifest) {
			none(m)
			m.Provenance.Kind, m.Variants[0].Novelty = kind, 0.1
		}
	}
	for name, tc := range map[string]struct {
		edit  func(*bundle.Manifest)
		logit float32 // of not_pumpkin; the other class has 0
		known bool    // the picture is like the training's
		doubt bool
	}{
		"a lorry":                           {none, 5, true, true},
		"an odd pumpkin":                    {none, 1, true, false},
		"a pumpkin":                         {none, -5, true, false},
		"new to a model of photos":          {strict(bundle.KindPhotos), -5, false, true},
		"known to a model of photos":        {strict(bundle.KindPhotos), -5, true, false},
		"new to a model that saw no photos": {strict(bundle.KindRendered), -5, false, false},
	} {
		r := newRig(t, nil)
		r.score = func(_ vision.Tensor, out *infer.Scores) {
			at := 0
			if !tc.known {
				at = 7
			}
			out.Embedding[at], out.Logits[0], out.Logits[1] = 1, 0, tc.logit
		}
		r.serve(t, bundleFile(t, "a", tc.edit))
		in, _, _, err := r.decoders.Prepare(t.Context(), []byte{1})
		if err != nil {
			t.Fatal(err)
		}
		if doubt, known := r.Doubts(t.Context(), in); doubt != tc.doubt || !known {
			t.Errorf("%s: doubt %v, known %v", name, doubt, known)
		}
	}
}

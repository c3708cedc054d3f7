package predict

import (
	"errors"
	"testing"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
)

// TestDecoderThatDoesNotFitIsNoPicturesFault: nobody's photo is called broken
// because a program was installed alone, and nobody waits for it.
func TestDecoderThatDoesNotFitIsNoPicturesFault(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.serve(t, bundleFile(t, "a"))
	r.camera.process.unfit("it speaks protocol 2, not 1")
	_, _, err := r.Predict(t.Context(), [][]byte{{1}})
	if !errors.Is(err, ErrMismatch) || errors.Is(err, capture.ErrBadImage) {
		t.Errorf("%v", err)
	}
	if w := r.decoders.Worker(); w.Mismatch == "" || w.Program != capture.Program {
		t.Errorf("%+v", w)
	}
}

func TestChampionOfAnotherPreprocessingIsSaidToBeUnfit(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	good := bundleFile(t, "a")
	r.serve(t, good)
	other := bundleFile(t, "b", func(m *bundle.Manifest) { m.Preprocess = "of-a-newer-program/9-000000000000" })
	r.shelf.put(&other)
	r.until(t, "the champion is unfit", func(s State) bool { return s.Unfit && s.Err != "" && s.Model != nil && s.Model.ID == good.ID })
}

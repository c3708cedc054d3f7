package predict

import (
	"context"

	"gourdian/internal/bundle"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// surelyNone is the calibrated probability of not_pumpkin from which a picture
// is doubted: whoever imports pumpkins wants them in, also odd ones.
const surelyNone = 0.9

// Doubts asks the champion whether a picture is probably no pumpkin. known is
// false where no model answers. What is unlike all that a model has seen is
// doubted as well, but only by one that has seen photos: to a model of rendered
// pumpkins every photo is new.
func (s *Service) Doubts(ctx context.Context, in vision.Tensor) (doubt, known bool) {
	v, err := s.take()
	if err != nil {
		return false, false
	}
	defer v.used.Done()
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Deadline, ErrLate)
	defer cancel()
	r, err := v.judge(ctx, in)
	if err != nil {
		if ctx.Err() == nil {
			s.config.Log.Warn("a picture was not judged", "error", err)
		}
		return false, false
	}
	novel := r.Reason == wire.ReasonNovel && v.Provenance.Kind == bundle.KindPhotos
	return novel || r.Probabilities[string(wire.NotPumpkin)] >= surelyNone, true
}

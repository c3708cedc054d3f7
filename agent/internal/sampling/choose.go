package sampling

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"gourdian/internal/wire"
)

// Share is one in how many of all records is taken at random.
const Share = 50

// Worths of pictures by reason; what is uncertain adds to the last two.
const (
	worthCorrection    = 1.0
	worthRandom        = 0.95 // few, and none may be crowded out by others
	worthNovel         = 0.9
	worthDisagreement  = 0.8
	worthLowConfidence = 0.6
	worthNotPumpkin    = 0.3
	uncertain          = 0.15
)

// Choose says why a record's picture is worth learning from, and how much, 0 to
// 1; ok is false where it is not. Correction is what the farmer says of it.
func Choose(r *wire.Record, correction wire.Verdict) (why wire.SampleWhy, worth float64, ok bool) {
	switch {
	case correction != "":
		return wire.WhyCorrection, worthCorrection, true
	case drawn(r):
		return wire.WhyRandom, worthRandom, true
	case r.Verdict == wire.NotPumpkin:
		return wire.WhyNotPumpkin, worthNotPumpkin + uncertain*doubt(r), true
	case r.Verdict != wire.Unsure:
		return "", 0, false
	}
	switch r.Reason {
	case wire.ReasonNovel:
		return wire.WhyUnsure, worthNovel, true
	case wire.ReasonDisagreement:
		return wire.WhyUnsure, worthDisagreement, true
	case wire.ReasonLowConfidence:
		return wire.WhyUnsure, worthLowConfidence + uncertain*doubt(r), true
	}
	return "", 0, false // blurred or dark: nobody could say what it shows
}

// drawn draws one record in Share.
func drawn(r *wire.Record) bool {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", r.Device, r.Epoch, r.Seq))
	return binary.BigEndian.Uint64(sum[:8])%Share == 0
}

// doubt is how far the model is from being certain, 0 to 1.
func doubt(r *wire.Record) float64 {
	most := 0.0
	for _, p := range r.Probabilities {
		most = max(most, p)
	}
	return 1 - min(most, 1)
}

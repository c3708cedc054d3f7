package wire

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a Record. They are wide: their work is to keep nonsense and
// attacks out of stores and pages, not to judge a board.
const (
	MaxRecordBytes = 256 << 10 // of JSON
	MaxID          = 64        // bytes of Device, Epoch, Boot, Camera, Zone, Variant
	MaxName        = 200       // bytes of a class name, a verdict and Preprocess
	MaxClasses     = 256
	MaxFrames      = 100_000_000
	MaxSeconds     = 366 * 24 * 3600 // a year: a pumpkin that merely sits there
	MaxNovelty     = 2               // of a cosine distance
)

// sumSlack is how far probabilities may be from a sum of 1: rounding of means
// over many frames.
const sumSlack = 1e-3

// ErrRecord is wrapped by every error of DecodeRecord and Validate.
var ErrRecord = errors.New("bad record")

// DecodeRecord reads and validates one record. Fields that it doesn't know are
// ignored.
func DecodeRecord(data []byte) (Record, error) {
	if len(data) > MaxRecordBytes {
		return Record{}, fmt.Errorf("%w: %d bytes, at most %d", ErrRecord, len(data), MaxRecordBytes)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if err := r.Validate(); err != nil {
		return Record{}, err
	}
	return r, nil
}

// Validate reports every field that is outside its limits in one error that
// wraps ErrRecord.
func (r *Record) Validate() error {
	err := errors.Join(
		checkID("device", r.Device),
		checkID("epoch", r.Epoch),
		checkThat(r.Seq >= 1, "seq: counts from 1"),
		checkID("boot", r.Boot),
		checkTime("captured_at", r.CapturedAt),
		checkTime("wall_at", r.WallAt),
		r.checkClock(),
		checkID("camera", r.Camera),
		checkThat(r.Zone == "" || checkID("", r.Zone) == nil, "zone: %q is no identifier", r.Zone),
		checkThat(r.Frames >= 1 && r.Frames <= MaxFrames, "frames: %d is not within 1 and %d", r.Frames, MaxFrames),
		checkWithin("seconds", r.Seconds, MaxSeconds),
		checkHash("model", r.Model),
		checkName("preprocess", r.Preprocess),
		checkID("variant", r.Variant),
		r.checkProbabilities(),
		checkWithin("novelty", r.Novelty, MaxNovelty),
		r.checkVerdict(),
		checkThat(r.Image == "" || checkHash("", r.Image) == nil, "image: not a SHA-256 in lower-case hex"),
	)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

func (r *Record) checkClock() error {
	switch r.Clock {
	case ClockSynced, ClockEstimated, ClockUnknown:
		return nil
	default:
		return fmt.Errorf("clock: %q is unknown", r.Clock)
	}
}

// checkVerdict holds that an unsure verdict has a reason and a sure one none.
func (r *Record) checkVerdict() error {
	if err := checkName("verdict", string(r.Verdict)); err != nil {
		return err
	}
	switch r.Reason {
	case "":
		return checkThat(r.Verdict != Unsure, "reason: unsure without one")
	case ReasonQuality, ReasonNovel, ReasonLowConfidence, ReasonDisagreement:
		return checkThat(r.Verdict == Unsure, "reason: %q for the verdict %q", r.Reason, r.Verdict)
	default:
		return fmt.Errorf("reason: %q is unknown", r.Reason)
	}
}

// checkProbabilities allows none where no network looked at the picture.
func (r *Record) checkProbabilities() error {
	if len(r.Probabilities) == 0 {
		return checkThat(r.Reason == ReasonQuality, "probabilities: none")
	}
	if len(r.Probabilities) > MaxClasses {
		return fmt.Errorf("probabilities: %d classes, at most %d", len(r.Probabilities), MaxClasses)
	}
	sum := 0.0
	for name, p := range r.Probabilities {
		if err := checkName("probabilities", name); err != nil {
			return err
		}
		if !(p >= 0 && p <= 1+sumSlack) { // also when it is not a number
			return fmt.Errorf("probabilities: %q has %v", name, p)
		}
		sum += p
	}
	return checkThat(math.Abs(sum-1) <= sumSlack, "probabilities: their sum is %v", sum)
}

func checkThat(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// checkID allows what is safe in a topic, a path and a query: letters, digits,
// "-", "_" and ".", but no leading ".".
func checkID(field, id string) error {
	if len(id) < 1 || len(id) > MaxID {
		return fmt.Errorf("%s: %d bytes, allowed are 1 to %d", field, len(id), MaxID)
	}
	for i, c := range []byte(id) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '_' && (c != '.' || i == 0) {
			return fmt.Errorf("%s: the character %q is not allowed", field, c)
		}
	}
	return nil
}

// checkName allows printable text for people in any script.
func checkName(field, name string) error {
	if len(name) < 1 || len(name) > MaxName {
		return fmt.Errorf("%s: a name of %d bytes, allowed are 1 to %d", field, len(name), MaxName)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("%s: a name that is no UTF-8", field)
	}
	for _, c := range name {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("%s: a name with the character %U", field, c)
		}
	}
	return nil
}

func checkHash(field, hash string) error {
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != 32 || hex.EncodeToString(raw) != hash {
		return fmt.Errorf("%s: not a SHA-256 in lower-case hex", field)
	}
	return nil
}

// checkTime allows 1970, where a board without a battery wakes up.
func checkTime(field string, t time.Time) error {
	if t.Year() < 1970 || t.Year() > 2200 {
		return fmt.Errorf("%s: the year %d", field, t.Year())
	}
	_, offset := t.Zone()
	return checkThat(offset == 0, "%s: not in UTC", field)
}

func checkWithin(field string, v, most float64) error {
	return checkThat(v >= 0 && v <= most, "%s: %v is not within 0 and %v", field, v, most)
}

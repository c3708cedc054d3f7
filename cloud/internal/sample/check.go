package sample

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gourdian/cloud/internal/blob"
	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/vision"
)

// nearby is how far apart in time two pictures of one camera may be to be
// taken for the same scene: light and angle repeat every day.
const nearby = 12 * time.Hour

// sameScene is the largest distance of the fingerprints of near-duplicates
// here. It is stricter than the gate's: a picture that is not labelled teaches
// nothing.
const sameScene = quality.NearDuplicate - 2

// seen is what a look at a picture gives.
type seen struct {
	fault       Fault
	w, h        int
	sharpness   float64
	brightness  float64
	fingerprint quality.Fingerprint
	tensor      vision.Tensor // of a picture whose look is known
}

// examine looks at a picture. An error is the worker's, never the picture's.
func (s *Store) examine(ctx context.Context, data []byte) (seen, error) {
	tensor, w, h, err := s.look.Prepare(ctx, data)
	switch {
	case errors.Is(err, capture.ErrTooLarge):
		return seen{fault: TooLarge}, nil
	case errors.Is(err, capture.ErrBadImage):
		return seen{fault: Broken}, nil
	case err != nil:
		return seen{}, fmt.Errorf("look at picture: %w", err)
	case min(w, h) < MinSide:
		return seen{fault: Tiny, w: w, h: h}, nil
	}
	return described(tensor, w, h), nil
}

func described(tensor vision.Tensor, w, h int) seen {
	report := quality.AssessTensor(tensor)
	return seen{
		fault: faultOf(report), w: w, h: h, sharpness: report.Sharpness, brightness: report.Light.Mean,
		fingerprint: quality.FingerprintOf(tensor.Grey()), tensor: tensor,
	}
}

// write puts what was seen into a line.
func (v seen) write(row *Sample) {
	row.Checked, row.Fault, row.Width, row.Height = true, v.fault, v.w, v.h
	row.Sharpness, row.Brightness, row.Fingerprint = v.sharpness, v.brightness, int64(v.fingerprint)
}

// useless reports a fault with which a picture is not kept.
func (f Fault) useless() bool { return f == Broken || f == Tiny || f == TooLarge }

// CheckAll looks at every picture that was not looked at yet.
func (s *Store) CheckAll(ctx context.Context) error {
	for {
		var rows []Sample
		err := s.db.Read().NewSelect().Model(&rows).Where("s.state = ?", Kept).Where("NOT s.checked").Order("s.received_at").Limit(50).Scan(ctx)
		if err != nil {
			return fmt.Errorf("look for unchecked samples: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for i := range rows {
			if err := s.check(ctx, &rows[i]); err != nil {
				return err
			}
		}
	}
}

func (s *Store) check(ctx context.Context, row *Sample) error {
	v := seen{fault: Broken}
	data, err := s.Picture(ctx, row.Hash)
	switch {
	case err == nil:
		if v, err = s.examine(ctx, data); err != nil {
			return err
		}
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, blob.ErrDamaged):
		return err
	}
	v.write(row)
	if v.fault.useless() {
		row.State, row.Bytes = Refused, 0
	} else if row.DuplicateOf, err = s.twin(ctx, row); err != nil {
		return err
	}
	_, err = s.db.Write().NewUpdate().Model(row).Where("s.hash = ?", row.Hash).
		Column("state", "bytes", "checked", "fault", "duplicate_of", "width", "height", "sharpness", "brightness", "fingerprint").Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep what was seen: %w", err)
	}
	if row.State == Refused {
		return s.blobs.Delete(ctx, blob.Pictures, row.Hash)
	}
	return nil
}

// twin finds a kept picture of the same camera, visitor or import that shows
// the same scene, "" where there is none.
func (s *Store) twin(ctx context.Context, row *Sample) (string, error) {
	var others []Sample
	q := s.db.Read().NewSelect().Model(&others).Column("hash", "fingerprint").
		Where("s.state = ? AND s.checked AND s.duplicate_of = '' AND s.hash <> ?", Kept, row.Hash).
		Where("s.source = ? AND s.device = ? AND s.camera = ?", row.Source, row.Device, row.Camera)
	if row.Source == FromBoard {
		q = q.Where("s.captured_at BETWEEN ? AND ?", row.CapturedAt-nearby.Microseconds(), row.CapturedAt+nearby.Microseconds())
	}
	if err := q.Order("s.received_at DESC").Limit(5000).Scan(ctx); err != nil {
		return "", fmt.Errorf("look for near-duplicates: %w", err)
	}
	for _, other := range others {
		if quality.Fingerprint(other.Fingerprint).Distance(quality.Fingerprint(row.Fingerprint)) <= sameScene {
			return other.Hash, nil
		}
	}
	return "", nil
}

package embed

import (
	"context"
	"errors"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
	"gourdian/models/dataset"
)

// Decoder decodes one encoded picture and turns it upright. An error that
// wraps capture.ErrBadImage or capture.ErrTooLarge is the picture's fault,
// every other one ends the work. One goroutine calls it.
type Decoder interface {
	Decode(ctx context.Context, file []byte) (vision.Image, error)
}

// Fault is an error of one picture, which is listed and passed over.
type Fault struct{ err error }

// NewFault makes err the fault of one picture.
func NewFault(err error) *Fault { return &Fault{err} }

// Error implements error.
func (f *Fault) Error() string { return f.err.Error() }

// Unwrap implements errors.Unwrap.
func (f *Fault) Unwrap() error { return f.err }

// Importer opens pictures of a data set, for training and evaluation alike.
type Importer struct {
	Decoder  Decoder
	KeepBars bool // leave uniform bars in place, see dataset.TrimBars
}

// Import decodes and crops a picture, cuts its bars off and says whether there
// were any. A *Fault is the picture's own.
func (m *Importer) Import(ctx context.Context, file []byte, crop dataset.Crop) (img vision.Image, trimmed bool, err error) {
	img, err = m.Decoder.Decode(ctx, file)
	switch {
	case errors.Is(err, capture.ErrBadImage) || errors.Is(err, capture.ErrTooLarge):
		return img, false, &Fault{err}
	case err != nil:
		return img, false, err
	}
	if img, err = crop.Cut(img); err != nil {
		return img, false, &Fault{err}
	}
	if !m.KeepBars {
		img, trimmed = dataset.TrimBars(img)
	}
	return img, trimmed, nil
}

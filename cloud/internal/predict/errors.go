package predict

import "errors"

// Errors of Predict. A picture's own fault wraps capture.ErrBadImage or
// capture.ErrTooLarge and is a Result, not an error.
var (
	// ErrNoModel: nothing was pushed yet, or no version is the champion.
	ErrNoModel = errors.New("no model answers")
	// ErrStarting: the champion's workers are not up yet.
	ErrStarting = errors.New("the model is being started")
	// ErrBusy: the queue is full. Trying again after a moment helps.
	ErrBusy = errors.New("too many pictures wait")
	// ErrLate: the deadline passed before the answer was there.
	ErrLate = errors.New("the answer took too long")
)

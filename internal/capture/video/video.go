// Package video holds the sources over a native video reader: files at their
// own pace or as fast as they are read, cameras and streams. The reader itself,
// in package cv, only opens, reads and closes; what is decided is decided here.
package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/vision"
)

// Native is an open camera, stream or file. One goroutine uses it; a call takes
// as long as the driver likes.
type Native interface {
	// Read decodes the next picture into img, using its memory where that
	// suffices. It is io.EOF when nothing more comes: the end of a file, or a
	// camera that is gone.
	Read(img *vision.Image) error
	// Skip passes over the next picture without decoding it; errors as for Read.
	Skip() error
	// FPS is the rate that a file was recorded at, or 0 if it is not known.
	FPS() float64
	Close() error
}

// Camera is a live source: a device or a stream.
type Camera struct {
	native  Native
	picture vision.Image
}

// NewCamera returns a source over an open camera, which Close closes.
func NewCamera(native Native) *Camera { return &Camera{native: native} }

// errGone says that a camera has no more pictures: it was unplugged or the
// stream ended. It is no end but a fault, since a camera never ends.
var errGone = errors.New("no more pictures: unplugged, or the stream ended")

// Kind implements capture.Source.
func (c *Camera) Kind() capture.Kind { return capture.Live }

// Next implements capture.Source.
func (c *Camera) Next(ctx context.Context) (capture.Picture, error) {
	if err := ctx.Err(); err != nil {
		return capture.Picture{}, err
	}
	err := c.native.Read(&c.picture)
	switch {
	case ctx.Err() != nil:
		return capture.Picture{}, ctx.Err()
	case errors.Is(err, io.EOF):
		return capture.Picture{}, errGone
	case err != nil:
		return capture.Picture{}, err
	}
	return capture.Picture{Image: c.picture, CapturedAt: time.Now().UTC()}, nil
}

// Close implements capture.Source.
func (c *Camera) Close() error { return c.native.Close() }

// Rates of a file that can be believed; others count as fallbackFPS.
const (
	slowestFPS  = 0.1
	fastestFPS  = 240
	fallbackFPS = 25
)

// longPause is more than any board needs to catch up with.
const longPause = 5 * time.Second

// FileConfig says what is read and how.
type FileConfig struct {
	Path string
	Fast bool // finite: every frame, as fast as it is asked for
	Loop bool // begin again at the end
	From capture.Mark
	Open func(path string) (Native, error)
}

// File is a source over a video file.
type File struct {
	config  FileConfig
	native  Native
	picture vision.Image
	begin   time.Time     // field time of frame 0 of the present round
	every   time.Duration // between two frames
	frame   int           // index of the next one
}

// OpenFile opens a video file.
func OpenFile(config FileConfig) (*File, error) {
	f := &File{config: config, begin: time.Now().UTC()}
	if err := f.open(); err != nil {
		return nil, err
	}
	if config.Fast {
		if err := f.resume(config.From); err != nil {
			return nil, errors.Join(err, f.native.Close())
		}
	}
	return f, nil
}

func (f *File) open() error {
	native, err := f.config.Open(f.config.Path)
	if err != nil {
		return fmt.Errorf("open video: %w", err)
	}
	fps := native.FPS()
	if !(fps >= slowestFPS && fps <= fastestFPS) {
		fps = fallbackFPS
	}
	f.native, f.frame, f.every = native, 0, time.Duration(float64(time.Second)/fps)
	return nil
}

// frameName names a frame of a file that is read once.
func frameName(path string, frame int) string {
	return fmt.Sprintf("%s#%06d", filepath.Base(path), frame)
}

// resume passes over the frames up to the one that was shown last, and over
// those that ended the worker.
func (f *File) resume(from capture.Mark) error {
	skip := from.Skip
	if _, number, found := strings.Cut(from.After, "#"); found {
		last, err := strconv.Atoi(number)
		if err != nil || last < 0 {
			return fmt.Errorf("go on behind %q: no frame of that name", from.After)
		}
		skip += last + 1
	}
	for f.frame < skip {
		if err := f.native.Skip(); err != nil {
			return nil // the end: Next says so
		}
		f.frame++
	}
	return nil
}

// Kind implements capture.Source.
func (f *File) Kind() capture.Kind {
	if f.config.Fast {
		return capture.Finite
	}
	return capture.Live
}

// Next implements capture.Source. A video at its own pace that falls behind
// leaves out what is too late.
func (f *File) Next(ctx context.Context) (capture.Picture, error) {
	if err := ctx.Err(); err != nil {
		return capture.Picture{}, err
	}
	if !f.config.Fast {
		if err := f.catchUp(); err != nil {
			return capture.Picture{}, err
		}
	}
	err := f.native.Read(&f.picture)
	if errors.Is(err, io.EOF) {
		if err = f.again(); err == nil {
			err = f.native.Read(&f.picture)
		}
	}
	if err != nil {
		return capture.Picture{}, err
	}
	picture := capture.Picture{Image: f.picture, CapturedAt: f.due(f.frame)}
	if f.config.Fast {
		picture.Name = frameName(f.config.Path, f.frame)
	}
	f.frame++
	if f.config.Fast {
		return picture, nil
	}
	return picture, until(ctx, picture.CapturedAt)
}

// due is the field time of a frame.
func (f *File) due(frame int) time.Time { return f.begin.Add(time.Duration(frame) * f.every) }

// catchUp passes over the frames whose time is gone. After a long pause (a
// stopped process, a suspended laptop) it goes on where it was instead.
func (f *File) catchUp() error {
	now := time.Now().UTC()
	if late := now.Sub(f.due(f.frame)); late > longPause {
		f.begin = f.begin.Add(late)
	}
	for ; f.due(f.frame + 1).Before(now); f.frame++ {
		err := f.native.Skip()
		if errors.Is(err, io.EOF) {
			return nil // Read meets the end as well
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// again starts the next round of a looped file, or is io.EOF.
func (f *File) again() error {
	if f.frame == 0 {
		return fmt.Errorf("read video: %s holds no pictures that can be decoded", filepath.Base(f.config.Path))
	}
	if !f.config.Loop {
		return io.EOF
	}
	begin := f.due(f.frame)
	if err := f.native.Close(); err != nil {
		return fmt.Errorf("close video: %w", err)
	}
	f.native = nil
	f.begin = begin
	return f.open()
}

// until waits for a moment.
func until(ctx context.Context, moment time.Time) error {
	select {
	case <-time.After(time.Until(moment)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements capture.Source.
func (f *File) Close() error {
	if f.native == nil {
		return nil
	}
	return f.native.Close()
}

// Package drivers is the table of what can be behind a camera address. Only
// the worker gourdian-camera imports it.
package drivers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/capture/cv"
	"gourdian/internal/capture/fieldcam"
	"gourdian/internal/capture/folder"
	"gourdian/internal/capture/video"
)

// Env is what every driver may use.
type Env struct {
	Codec capture.Codec
	Log   *slog.Logger
	From  capture.Mark // where a finite source goes on
	Began time.Time    // when the camera's first worker was started
}

// opener opens the source of an address of its scheme.
type opener func(ctx context.Context, a capture.Address, env Env) (capture.Source, error)

// table has one line for each of capture.Schemes.
func table() map[string]opener {
	return map[string]opener{
		"folder": openFolder,
		"file":   openFile,
		"device": openDevice,
		"rtsp":   openStream,
		"http":   openStream,
		"https":  openStream,
		"field":  openField,
	}
}

// Open opens the source of an address. Its errors hold no password.
func Open(ctx context.Context, a capture.Address, env Env) (capture.Source, error) {
	open, found := table()[a.Scheme]
	if !found {
		return nil, fmt.Errorf("%s: this program was built without the driver", a.Scheme)
	}
	source, err := open(ctx, a, env)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", a, err)
	}
	return source, nil
}

// Names lists the schemes that this program was built with.
func Names() []string {
	var names []string
	for _, scheme := range capture.Schemes() {
		if _, found := table()[scheme.Name]; found {
			names = append(names, scheme.Name)
		}
	}
	return names
}

func openFolder(_ context.Context, a capture.Address, env Env) (capture.Source, error) {
	return folder.Open(folder.Config{
		Dir:   a.Target,
		Loop:  a.Loop(),
		Every: time.Duration(float64(time.Second) / a.Number("fps", folder.DefaultFPS)),
		From:  env.From,
		Codec: env.Codec,
		Log:   env.Log,
	})
}

func openFile(_ context.Context, a capture.Address, env Env) (capture.Source, error) {
	return video.OpenFile(video.FileConfig{
		Path: a.Target,
		Fast: a.Fast(),
		Loop: a.Loop(),
		From: env.From,
		Open: func(path string) (video.Native, error) { return native(cv.OpenFile(path)) },
	})
}

func openDevice(_ context.Context, a capture.Address, _ Env) (capture.Source, error) {
	return camera(native(cv.OpenDevice(a.Target, a.Number("width", 0), a.Number("height", 0), a.Number("fps", 0))))
}

func openStream(_ context.Context, a capture.Address, _ Env) (capture.Source, error) {
	return camera(native(cv.OpenStream(a.Target)))
}

func openField(_ context.Context, a capture.Address, env Env) (capture.Source, error) {
	return fieldcam.Open(a.Target, env.Began)
}

// native keeps a nil *cv.Video from becoming an interface that is not nil.
func native(v *cv.Video, err error) (video.Native, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func camera(n video.Native, err error) (capture.Source, error) {
	if err != nil {
		return nil, err
	}
	return video.NewCamera(n), nil
}

// Package fieldcam is the source that shows the rendered field on its own
// clock: the scene's start plus the time that has passed, times its speed.
package fieldcam

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/field"
	"gourdian/internal/vision"
)

// Rates of the rendered camera in pictures a (wall) second.
const (
	DefaultFPS = 5
	maxFPS     = 30
)

// scene is what the camera looks at, a *field.Scene.
type scene interface {
	Render(dst *vision.Image, at time.Time)
	Start() time.Time
	Speed() float64
}

// Source implements capture.Source.
type Source struct {
	scene   scene
	opened  time.Time
	head    time.Duration // wall time that had passed before it was opened
	every   time.Duration
	due     time.Time
	picture vision.Image
}

// Open makes the scene of a query (see field.ParseScene; fps, 0.2 to 30, is
// this camera's own). began is when the scene first began, so that its clock
// goes on where it was when a camera is opened again.
func Open(query string, began time.Time) (*Source, error) {
	rest, every, err := pace(query)
	if err != nil {
		return nil, err
	}
	s, err := field.ParseScene(rest)
	if err != nil {
		return nil, fmt.Errorf("rendered field: %w", err)
	}
	return newSource(s, every, began), nil
}

func newSource(s scene, every time.Duration, began time.Time) *Source {
	now := time.Now()
	return &Source{scene: s, opened: now, head: max(now.Sub(began), 0), every: every, due: now}
}

// pace takes the camera's own option out of a query.
func pace(query string) (rest string, every time.Duration, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", 0, fmt.Errorf("rendered field: %w", err)
	}
	fps := float64(DefaultFPS)
	if values.Has("fps") {
		fps, err = strconv.ParseFloat(values.Get("fps"), 64)
		if err != nil || !(fps >= capture.MinFPS && fps <= maxFPS) {
			return "", 0, fmt.Errorf("rendered field: fps %q is not a number from %v to %v", values.Get("fps"), capture.MinFPS, maxFPS)
		}
		values.Del("fps")
	}
	return values.Encode(), time.Duration(float64(time.Second) / fps), nil
}

// Kind implements capture.Source.
func (s *Source) Kind() capture.Kind { return capture.Live }

// Next implements capture.Source.
func (s *Source) Next(ctx context.Context) (capture.Picture, error) {
	select {
	case <-time.After(time.Until(s.due)):
	case <-ctx.Done():
		return capture.Picture{}, ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return capture.Picture{}, err
	}
	now := time.Now()
	s.due = now.Add(s.every)
	passed := float64(s.head+now.Sub(s.opened)) * s.scene.Speed()
	at := s.scene.Start().Add(time.Duration(passed)).UTC()
	s.scene.Render(&s.picture, at)
	return capture.Picture{Image: s.picture, CapturedAt: at}, nil
}

// Close implements capture.Source.
func (s *Source) Close() error { return nil }

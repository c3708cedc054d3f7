//go:build !cgo

package ort

import (
	"context"
	"fmt"

	"gourdian/internal/infer"
	"gourdian/internal/vision"
)

// Session is a network ready to run. Without cgo there is none.
type Session struct{}

// Open returns ErrNoRuntime.
func Open(library string, graph []byte, o Options) (*Session, error) {
	return nil, fmt.Errorf("open %s: %w", library, ErrNoRuntime)
}

// Run implements infer.Runner.
func (*Session) Run(context.Context, vision.Tensor, *infer.Scores) error { return ErrNoRuntime }

// Info implements infer.Runner.
func (*Session) Info() infer.Info { return infer.Info{} }

// Close implements infer.Runner.
func (*Session) Close() error { return nil }

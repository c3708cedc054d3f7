//go:build !cgo

package ort

import (
	"errors"
	"testing"
)

func TestWithoutCgo(t *testing.T) {
	t.Parallel()
	if _, err := Open("lib.so", nil, Options{}); !errors.Is(err, ErrNoRuntime) {
		t.Errorf("error %v, expected ErrNoRuntime", err)
	}
}

package worker

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

type handlerFunc func(context.Context, *Request) (Response, error)

func (f handlerFunc) Handle(ctx context.Context, r *Request) (Response, error) { return f(ctx, r) }

// Native code that never returns must not keep a worker alive whose parent is gone.
func TestServeEndsAroundAHungHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, requests := io.Pipe()
		entered, release := make(chan struct{}), make(chan struct{})
		hung := handlerFunc(func(context.Context, *Request) (Response, error) {
			close(entered)
			<-release
			return Response{}, nil
		})
		ended := make(chan error, 1)
		go func() { ended <- serve(t.Context(), in, io.Discard, Hello{}, hung) }()
		if err := newFrameWriter(requests).write(Request{ID: 1, Op: "run"}); err != nil {
			t.Fatal(err)
		}
		<-entered
		requests.Close()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "did not stop") {
			t.Errorf("serve: %v", err)
		}
		close(release)
	})
}

func TestServeCancelsTheHandlerWhenTheParentIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, requests := io.Pipe()
		entered := make(chan struct{})
		patient := handlerFunc(func(ctx context.Context, _ *Request) (Response, error) {
			close(entered)
			<-ctx.Done()
			return Response{}, ctx.Err()
		})
		ended := make(chan error, 1)
		go func() { ended <- serve(t.Context(), in, io.Discard, Hello{}, patient) }()
		if err := newFrameWriter(requests).write(Request{ID: 1, Op: "next"}); err != nil {
			t.Fatal(err)
		}
		<-entered
		requests.Close()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
}

func TestServeRefusesGarbage(t *testing.T) {
	t.Parallel()
	err := serve(t.Context(), io.NopCloser(strings.NewReader("\xff\xff\xff\xff")), io.Discard, Hello{}, testHandler{})
	if err == nil || !strings.Contains(err.Error(), "bad frame") {
		t.Errorf("serve: %v", err)
	}
}

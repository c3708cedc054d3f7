package infer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gourdian/internal/infer"
	"gourdian/internal/infer/fake"
	"gourdian/internal/infer/infertest"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// pipe is a worker.Caller that hands requests to a handler in this process.
type pipe struct {
	handler worker.Handler
	info    infer.Info
	cut     int // bytes to lose from the end of each answer
	err     error
	body    []byte
}

func newPipe(r infer.Runner) *pipe {
	return &pipe{handler: infer.NewHandler(r), info: r.Info()}
}

func (p *pipe) Call(ctx context.Context, op string, _ any, body []byte, _ any) ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	response, err := p.handler.Handle(ctx, &worker.Request{Op: op, Body: body})
	if err != nil {
		return nil, err
	}
	p.body = p.body[:0]
	for _, part := range response.Body {
		p.body = append(p.body, part...)
	}
	return p.body[:len(p.body)-p.cut], nil
}

func (p *pipe) hello() (worker.Hello, bool) {
	detail, err := json.Marshal(p.info)
	return worker.Hello{Detail: detail}, err == nil
}

func (p *pipe) client() *infer.Client { return infer.NewClient(p, p.hello, nil) }

func TestClientConformance(t *testing.T) {
	t.Parallel()
	infertest.Run(t, func(*testing.T) infer.Runner { return newPipe(fake.New(4)).client() })
}

func TestClientOverABareBackbone(t *testing.T) {
	t.Parallel()
	infertest.Run(t, func(*testing.T) infer.Runner { return newPipe(fake.New(0)).client() })
}

func TestWorkerDown(t *testing.T) {
	t.Parallel()
	p := newPipe(fake.New(4))
	p.err = &worker.Failure{Code: worker.CodeCrashed, Err: errors.New("killed")}
	var out infer.Scores
	if err := p.client().Run(t.Context(), make(vision.Tensor, vision.TensorLen), &out); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("error %v, expected ErrUnavailable", err)
	}
}

func TestTruncatedAnswer(t *testing.T) {
	t.Parallel()
	p := newPipe(fake.New(4))
	p.cut = 4
	var out infer.Scores
	if err := p.client().Run(t.Context(), make(vision.Tensor, vision.TensorLen), &out); !errors.Is(err, infer.ErrUnavailable) {
		t.Errorf("error %v, expected ErrUnavailable", err)
	}
}

func TestFailedRunIsNoDeadWorker(t *testing.T) {
	t.Parallel()
	r := fake.New(4)
	r.Fail(errors.New("out of memory"))
	var out infer.Scores
	err := newPipe(r).client().Run(t.Context(), make(vision.Tensor, vision.TensorLen), &out)
	if err == nil || errors.Is(err, infer.ErrUnavailable) || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("error %v, expected the worker's words", err)
	}
}

func TestRestartWithAnotherModel(t *testing.T) {
	t.Parallel()
	p := newPipe(fake.New(4))
	client := p.client()
	var out infer.Scores
	in := make(vision.Tensor, vision.TensorLen)
	if err := client.Run(t.Context(), in, &out); err != nil || len(out.Logits) != 4 {
		t.Fatalf("%d logits and error %v", len(out.Logits), err)
	}
	next := fake.New(2)
	p.handler, p.info = infer.NewHandler(next), next.Info()
	if err := client.Run(t.Context(), in, &out); err != nil || len(out.Logits) != 2 {
		t.Errorf("%d logits and error %v after the restart", len(out.Logits), err)
	}
}

func TestUnknownRequest(t *testing.T) {
	t.Parallel()
	_, err := infer.NewHandler(fake.New(4)).Handle(t.Context(), &worker.Request{Op: "format"})
	var answer *worker.Error
	if !errors.As(err, &answer) || answer.Code != "unknown_op" {
		t.Errorf("error %v", err)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := newPipe(fake.New(4))
	hello, _ := p.hello()
	client := infer.NewClient(p, func() (worker.Hello, bool) { return hello, true }, nil)
	in, ctx := make(vision.Tensor, vision.TensorLen), t.Context()
	var out infer.Scores
	// The request of the stand-in pipe and the fake's hash are the two left.
	if n := testing.AllocsPerRun(20, func() {
		if err := client.Run(ctx, in, &out); err != nil {
			panic(fmt.Sprint("run: ", err))
		}
	}); n > 2 {
		t.Errorf("%v allocations for each run", n)
	}
}

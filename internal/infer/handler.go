package infer

import (
	"context"
	"errors"
	"fmt"

	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// OpRun is the one request of the worker: its body is a tensor, the answer's
// body the scores as little-endian float32: embedding, logits, extra outputs.
const OpRun = "run"

// Codes of the errors that the worker answers with.
const (
	codeUnknown   = "unknown_op"
	codeBadTensor = "bad_tensor"
	codeFailed    = "failed"
)

// Handler serves a Runner inside a worker process.
type Handler struct {
	runner Runner
	scores Scores
	body   []byte
	parts  [][]byte // of the answer: body
}

// NewHandler returns a handler that serves runner and reuses its buffers.
func NewHandler(runner Runner) *Handler {
	return &Handler{runner: runner, parts: make([][]byte, 1)}
}

// Handle implements worker.Handler.
func (h *Handler) Handle(ctx context.Context, req *worker.Request) (worker.Response, error) {
	if req.Op != OpRun {
		return worker.Response{}, &worker.Error{Code: codeUnknown, Message: fmt.Sprintf("no request %q", req.Op)}
	}
	err := h.runner.Run(ctx, vision.Tensor(req.Body), &h.scores)
	switch {
	case errors.Is(err, ErrBadTensor):
		return worker.Response{}, &worker.Error{Code: codeBadTensor, Message: err.Error()}
	case err != nil:
		return worker.Response{}, &worker.Error{Code: codeFailed, Message: err.Error()}
	}
	h.body = h.scores.append(h.body[:0])
	h.parts[0] = h.body
	return worker.Response{Body: h.parts}, nil
}

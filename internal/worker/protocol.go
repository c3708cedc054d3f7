package worker

import (
	"context"
	"encoding/json"
	"time"
)

// Protocol is the version of the pipe protocol; a worker of another version is
// refused at the hello.
const Protocol = 1

// Limits of one frame in either direction.
const (
	MaxHeader = 64 << 10
	MaxBody   = 64 << 20
)

// Hello is the first frame that a worker sends.
type Hello struct {
	Protocol int             `json:"protocol"`
	Program  string          `json:"program"` // "gourdian-infer"
	Version  string          `json:"version"`
	Detail   json.RawMessage `json:"detail,omitempty"` // what the worker says of itself, e.g. infer.Info
	Error    *Error          `json:"error,omitempty"`  // why it can't serve; then it ends, see Refuse
}

// Request is one call as a worker's Handler sees it. Body is only valid until
// the handler returns.
type Request struct {
	ID       uint64          `json:"id"`
	Op       string          `json:"op"`
	Deadline time.Duration   `json:"deadline_ns"` // time left when it was sent
	Params   json.RawMessage `json:"params,omitempty"`
	Body     []byte          `json:"-"`
}

// Response answers one Request. The parts of Body are written one after the
// other; the server does not keep them after the write.
type Response struct {
	ID     uint64          `json:"id"`
	Error  *Error          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Body   [][]byte        `json:"-"`
}

// Error is a failure that a worker reports and survives.
type Error struct {
	Code    string `json:"code"` // short and stable: "bad_image", "too_large", "no_picture", "end"
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Handler serves the requests of one worker, one at a time. ctx ends at the
// request's deadline and when the worker is to stop. An error that is no *Error
// reaches the caller as one with the code "internal"; the worker lives on.
type Handler interface {
	Handle(ctx context.Context, req *Request) (Response, error)
}

// Caller sends one request and waits for its answer: a *Process, a *Supervised
// or a fake. params is marshalled to JSON; result, unless nil, receives the
// answer's JSON. The returned body is valid until the next Call. Calls are
// serialised. Errors: *Error from the worker, ctx.Err(), or one wrapping ErrDown.
type Caller interface {
	Call(ctx context.Context, op string, params any, body []byte, result any) ([]byte, error)
}

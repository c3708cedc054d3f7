package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptors of a worker's pipes.
const (
	requestFD = 3
	answerFD  = 4
)

// handlerGrace is how long a handler may go on after the worker was told to
// end. Native code can't be interrupted; the process ends around it.
const handlerGrace = 2 * time.Second

// Serve says hello and answers requests until the parent closes the pipe or
// dies, ctx is done, or SIGTERM comes: then it returns nil. A main calls it
// once and exits when it returns. Ctrl-C is the parent's business and ignored
// here, so that the parent can end its work first.
func Serve(ctx context.Context, hello Hello, handler Handler) error {
	in, out, err := openPipes()
	if err != nil {
		return err
	}
	defer out.Close()
	signal.Ignore(syscall.SIGINT)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	return serve(ctx, in, out, hello, handler)
}

// Refuse says hello with the reason why this worker can't serve: the parent
// reports it with CodeRefused. A main calls it instead of Serve and exits 1.
func Refuse(hello Hello, reason *Error) error {
	in, out, err := openPipes()
	if err != nil {
		return err
	}
	defer in.Close()
	defer out.Close()
	hello.Protocol = Protocol
	hello.Error = reason
	return newFrameWriter(out).write(hello)
}

// openPipes takes over descriptors 3 and 4. They are made non-blocking, so that
// closing them interrupts a read.
func openPipes() (in, out *os.File, err error) {
	for _, fd := range []int{requestFD, answerFD} {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
			return nil, nil, errors.New("descriptors 3 and 4 are no pipes: this program is a worker, started by gourdian-agent or gourdianctl")
		}
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, nil, fmt.Errorf("open pipe %d: %w", fd, err)
		}
	}
	return os.NewFile(requestFD, "requests"), os.NewFile(answerFD, "answers"), nil
}

// serve is Serve on given pipes. It closes in before it returns.
func serve(ctx context.Context, in io.ReadCloser, out io.Writer, hello Hello, handler Handler) error {
	hello.Protocol = Protocol
	writer := newFrameWriter(out)
	if err := writer.write(hello); err != nil {
		in.Close()
		return fmt.Errorf("say hello: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests := make(chan *Request)
	answered := make(chan struct{}, 1)
	readErr := make(chan error, 1)
	go func() {
		readErr <- readRequests(ctx, newFrameReader(in), requests, answered)
		cancel()
	}()
	handled := make(chan error, 1)
	go func() {
		handled <- handleRequests(ctx, writer, handler, requests, answered)
		cancel()
	}()

	<-ctx.Done()
	in.Close()
	err := <-readErr
	select {
	case handleErr := <-handled:
		return errors.Join(err, handleErr)
	case <-time.After(handlerGrace):
		return errors.Join(err, errors.New("the handler did not stop"))
	}
}

// readRequests reads frames until the pipe ends. It reads ahead as far as the
// first byte of a frame, so that it sees the end of the pipe while a request
// is being handled, but leaves the body alone until that request is answered.
func readRequests(ctx context.Context, reader *frameReader, requests chan<- *Request, answered <-chan struct{}) error {
	for {
		request := new(Request)
		body, err := reader.read(request)
		if err != nil {
			return readEnd(ctx, err)
		}
		request.Body = body
		select {
		case requests <- request:
		case <-ctx.Done():
			return nil
		}
		if err := reader.await(); err != nil {
			return readEnd(ctx, err)
		}
		select {
		case <-answered:
		case <-ctx.Done():
			return nil
		}
	}
}

// readEnd tells an expected end of the pipe from a failure.
func readEnd(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("read request: %w", err)
}

func handleRequests(ctx context.Context, writer *frameWriter, handler Handler, requests <-chan *Request, answered chan<- struct{}) error {
	for {
		select {
		case request := <-requests:
			response := handle(ctx, handler, request)
			if err := answer(writer, response); err != nil {
				return fmt.Errorf("write answer: %w", err)
			}
			answered <- struct{}{}
		case <-ctx.Done():
			return nil
		}
	}
}

// handle calls the handler with the request's deadline and turns its errors
// into answers.
func handle(ctx context.Context, handler Handler, request *Request) Response {
	if request.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, request.Deadline)
		defer cancel()
	}
	response, err := handler.Handle(ctx, request)
	if err != nil {
		var own *Error
		if !errors.As(err, &own) {
			own = &Error{Code: "internal", Message: err.Error()}
		}
		response = Response{Error: own}
	}
	response.ID = request.ID
	return response
}

// answer writes the response; one that is too large for a frame is replaced by
// an error that says so.
func answer(writer *frameWriter, response Response) error {
	err := writer.write(response, response.Body...)
	if errors.Is(err, errFrame) {
		return writer.write(Response{ID: response.ID, Error: &Error{Code: "too_large", Message: err.Error()}})
	}
	return err
}

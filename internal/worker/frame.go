package worker

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errFrame is wrapped by every error that is the fault of a frame itself, not
// of the pipe below it.
var errFrame = errors.New("bad frame")

const (
	// pipeBuffer lets header and small parts of a frame travel in one system
	// call; a larger one copies too much of a tensor (measured: +10 us at 64 KiB).
	pipeBuffer = 2 << 10
	// growStep bounds what a length field alone can make the reader allocate.
	growStep = 1 << 20
)

// frameWriter writes frames. One goroutine uses it.
type frameWriter struct {
	w *bufio.Writer
}

func newFrameWriter(w io.Writer) *frameWriter {
	return &frameWriter{w: bufio.NewWriterSize(w, pipeBuffer)}
}

// write sends header and the parts of body as one frame. Nothing has been
// written when the error wraps errFrame.
func (f *frameWriter) write(header any, body ...[]byte) error {
	head, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("%w: encode header: %w", errFrame, err)
	}
	if len(head) > MaxHeader {
		return fmt.Errorf("%w: header of %d bytes, at most %d", errFrame, len(head), MaxHeader)
	}
	size := 0
	for _, part := range body {
		size += len(part)
	}
	if size > MaxBody {
		return fmt.Errorf("%w: body of %d bytes, at most %d", errFrame, size, MaxBody)
	}
	// bufio.Writer keeps its first error and Flush returns it.
	f.writeLength(len(head))
	_, _ = f.w.Write(head)
	f.writeLength(size)
	for _, part := range body {
		_, _ = f.w.Write(part)
	}
	return f.w.Flush()
}

func (f *frameWriter) writeLength(n int) {
	_, _ = f.w.Write(binary.BigEndian.AppendUint32(f.w.AvailableBuffer(), uint32(n)))
}

// frameReader reads frames into buffers that it uses again. One goroutine uses it.
type frameReader struct {
	r    *bufio.Reader
	head []byte
	body []byte
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, pipeBuffer)}
}

// await blocks until a frame begins or the pipe ends (io.EOF), and touches no
// buffer that read has returned.
func (f *frameReader) await() error {
	_, err := f.r.Peek(1)
	return err
}

// read reads one frame. The body is valid until the next read. The error is
// io.EOF at the clean end of the pipe, io.ErrUnexpectedEOF inside a frame.
func (f *frameReader) read(header any) ([]byte, error) {
	if err := f.await(); err != nil {
		return nil, err
	}
	var err error
	if f.head, err = f.readPart(f.head, MaxHeader, "header"); err != nil {
		return nil, err
	}
	if f.body, err = f.readPart(f.body, MaxBody, "body"); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(f.head, header); err != nil {
		return nil, fmt.Errorf("%w: decode header: %w", errFrame, err)
	}
	return f.body, nil
}

// readPart reads a length and as many bytes, into buf where they fit.
func (f *frameReader) readPart(buf []byte, limit uint32, what string) ([]byte, error) {
	length, err := f.r.Peek(4)
	if err != nil {
		return buf, insideFrame(err)
	}
	n := binary.BigEndian.Uint32(length)
	if _, err := f.r.Discard(4); err != nil {
		return buf, err
	}
	if n > limit {
		return buf, fmt.Errorf("%w: %s of %d bytes, at most %d", errFrame, what, n, limit)
	}
	return fill(f.r, buf, int(n))
}

// fill reads n bytes into buf and returns it with that length. It grows buf as
// the bytes arrive, so that a false length costs no memory.
func fill(r io.Reader, buf []byte, n int) ([]byte, error) {
	buf = buf[:0]
	for len(buf) < n {
		end := min(n, max(cap(buf), len(buf)+growStep))
		if end > cap(buf) {
			grown := make([]byte, len(buf), min(n, 2*end))
			copy(grown, buf)
			buf = grown
			end = min(n, cap(buf))
		}
		start := len(buf)
		buf = buf[:end]
		if _, err := io.ReadFull(r, buf[start:]); err != nil {
			return buf[:start], insideFrame(err)
		}
	}
	return buf, nil
}

// insideFrame turns the end of the pipe into the error that says that it came
// in the middle of a frame.
func insideFrame(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

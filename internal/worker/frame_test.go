package worker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func frameBytes(t testing.TB, header any, body ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := newFrameWriter(&buf).write(header, body...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFrameLayout(t *testing.T) {
	t.Parallel()
	got := frameBytes(t, Hello{Protocol: 1, Program: "p", Version: "v"}, []byte("bo"), []byte("dy"))
	want := "\x00\x00\x00\x2a" + `{"protocol":1,"program":"p","version":"v"}` + "\x00\x00\x00\x04body"
	if string(got) != want {
		t.Errorf("frame %q, want %q", got, want)
	}
}

func TestFramesArriveInPieces(t *testing.T) {
	t.Parallel()
	stream := append(frameBytes(t, Request{ID: 1, Op: "a"}, bytes.Repeat([]byte("x"), 100_000)), frameBytes(t, Request{ID: 2, Op: "b"})...)
	reader := newFrameReader(iotest.OneByteReader(bytes.NewReader(stream)))
	for id, size := range []int{100_000, 0} {
		var request Request
		body, err := reader.read(&request)
		if err != nil {
			t.Fatal(err)
		}
		if request.ID != uint64(id+1) || len(body) != size {
			t.Errorf("frame %d with %d bytes, want %d with %d", request.ID, len(body), id+1, size)
		}
	}
	if _, err := reader.read(new(Request)); !errors.Is(err, io.EOF) {
		t.Errorf("end of the pipe: %v", err)
	}
}

func TestBadFramesAreRefused(t *testing.T) {
	t.Parallel()
	length := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	for name, tc := range map[string]struct {
		stream string
		want   error
	}{
		"cut length":  {"\x00\x00", io.ErrUnexpectedEOF},
		"cut header":  {length(9) + "{}", io.ErrUnexpectedEOF},
		"no body":     {length(2) + "{}", io.ErrUnexpectedEOF},
		"cut body":    {length(2) + "{}" + length(MaxBody) + "x", io.ErrUnexpectedEOF},
		"long header": {length(MaxHeader + 1), errFrame},
		"long body":   {length(2) + "{}" + length(MaxBody+1), errFrame},
		"no JSON":     {length(4) + "oops" + length(0), errFrame},
		"wrong types": {length(10) + `{"id":"x"}` + length(0), errFrame},
	} {
		if _, err := newFrameReader(strings.NewReader(tc.stream)).read(new(Request)); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
	}
	if err := newFrameWriter(io.Discard).write(strings.Repeat("x", MaxHeader)); !errors.Is(err, errFrame) {
		t.Errorf("write of a long header: %v", err)
	}
	half := make([]byte, MaxBody/2+1)
	if err := newFrameWriter(io.Discard).write("", half, half); !errors.Is(err, errFrame) {
		t.Errorf("write of a long body: %v", err)
	}
}

// A false length must not cost the memory that it names.
func TestLengthAloneAllocatesLittle(t *testing.T) {
	t.Parallel()
	stream := "\x00\x00\x00\x02{}" + string(binary.BigEndian.AppendUint32(nil, MaxBody))
	reader := newFrameReader(strings.NewReader(stream))
	_, _ = reader.read(new(Request))
	if cap(reader.body) > 2*growStep {
		t.Errorf("%d bytes were allocated for an empty pipe", cap(reader.body))
	}
}

// Not parallel: it counts the bytes that the whole process allocates.
func TestBodiesAllocateNothingInSteadyState(t *testing.T) {
	const rounds = 100
	body := make([]byte, 150_528)
	frame := frameBytes(t, Response{ID: 1}, body)
	source := bytes.NewReader(nil)
	reader, writer := newFrameReader(source), newFrameWriter(io.Discard)
	round := func() {
		source.Reset(frame)
		if _, err := reader.read(new(Response)); err != nil {
			t.Fatal(err)
		}
		if err := writer.write(Response{ID: 1}, body); err != nil {
			t.Fatal(err)
		}
	}
	round()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		round()
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(len(body)) {
		t.Errorf("%d bytes allocated in %d rounds: bodies are not reused", grown, rounds)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frameBytes(f, Request{ID: 1, Op: "run", Params: []byte(`{"zone":1}`)}, []byte("tensor")))
	f.Add(frameBytes(f, Response{ID: 2, Error: &Error{Code: "bad_image", Message: "m"}}))
	f.Add([]byte("\x00\x00\x00\x02{}\x04\x00\x00\x00"))
	f.Add([]byte("\x00\x01\x00\x01"))
	f.Add([]byte("\x00\x00\x00\x04null\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		reader := newFrameReader(bytes.NewReader(data))
		for {
			var request Request
			body, err := reader.read(&request)
			if err != nil {
				return
			}
			if len(body) > len(data) {
				t.Fatalf("%d bytes out of %d", len(body), len(data))
			}
			again := frameBytes(t, request, body)
			var twin Request
			twinBody, err := newFrameReader(bytes.NewReader(again)).read(&twin)
			if err != nil || !bytes.Equal(body, twinBody) || twin.ID != request.ID || twin.Op != request.Op {
				t.Fatalf("%+v came back as %+v: %v", request, twin, err)
			}
		}
	})
}

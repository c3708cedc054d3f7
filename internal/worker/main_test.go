package worker

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// modeEnv makes this test binary a worker instead of a test: see childModes.
const modeEnv = "GOURDIAN_WORKER_TEST_MODE"

const childProgram = "gourdian-child"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeEnv); mode != "" {
		childMain(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// childMain is what a helper process does in each mode.
func childMain(mode string) {
	hello := Hello{Program: childProgram, Version: "v1", Detail: json.RawMessage(`{"threads":2}`)}
	switch mode {
	case "serve":
		if err := Serve(context.Background(), hello, testHandler{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "refuse":
		_ = Refuse(hello, &Error{Code: "bad_bundle", Message: "golden frame 3 differs"})
		os.Exit(1)
	case "die at start":
		fmt.Fprintln(os.Stderr, "libonnxruntime.so: no such file")
		os.Exit(7)
	case "parent":
		parentMain()
	default:
		misbehave(mode, hello, os.NewFile(answerFD, "answers"), os.NewFile(requestFD, "requests"))
	}
}

// misbehave breaks the protocol in the way that mode names.
func misbehave(mode string, hello Hello, answers, requests *os.File) {
	hello.Protocol = Protocol
	writer := newFrameWriter(answers)
	switch mode {
	case "silent":
	case "garbage":
		_, _ = answers.Write([]byte("Segmentation fault\n"))
	case "wrong protocol":
		hello.Protocol++
		_ = writer.write(hello)
	case "wrong program":
		hello.Program = "gourdian-camera"
		_ = writer.write(hello)
	case "long header":
		_, _ = answers.Write(binary.BigEndian.AppendUint32(nil, MaxHeader+1))
	case "long body":
		_, _ = answers.Write(binary.BigEndian.AppendUint32([]byte("\x00\x00\x00\x02{}"), MaxBody+1))
	case "garbage after hello":
		_ = writer.write(hello)
		var request Request
		_, _ = newFrameReader(requests).read(&request)
		_, _ = answers.Write([]byte("\x00\x00\x00\x09not json!\x00\x00\x00\x00"))
	case "wrong id":
		_ = writer.write(hello)
		var request Request
		_, _ = newFrameReader(requests).read(&request)
		_ = writer.write(Response{ID: request.ID + 1})
	}
	_ = unix.Pause()
	runtime.KeepAlive(answers)
	runtime.KeepAlive(requests)
}

// parentMain starts a worker, prints its process id, stops it with SIGSTOP (as
// if native code hung) where told so, and waits to be killed.
func parentMain() {
	p, err := Start(context.Background(), Spec{
		Path: os.Args[0], Env: []string{modeEnv + "=serve"}, Program: childProgram,
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		_ = syscall.Kill(p.PID(), syscall.SIGSTOP)
	}
	fmt.Println(p.PID())
	select {}
}

// testHandler is a worker that does what its caller asks for.
type testHandler struct{}

func (testHandler) Handle(ctx context.Context, request *Request) (Response, error) {
	switch request.Op {
	case "echo":
		return Response{Result: request.Params, Body: [][]byte{request.Body}}, nil
	case "first 5 KB":
		return Response{Result: json.RawMessage(`{}`), Body: [][]byte{request.Body[:1000], request.Body[1000:5120]}}, nil
	case "own error":
		return Response{}, fmt.Errorf("decode: %w", &Error{Code: "bad_image", Message: "not a JPEG"})
	case "plain error":
		return Response{}, errors.New("out of luck")
	case "long result":
		return Response{Result: json.RawMessage(fmt.Sprintf(`"%0*d"`, MaxHeader, 7))}, nil
	case "wait":
		<-ctx.Done()
		return Response{Result: json.RawMessage(`"` + ctx.Err().Error() + `"`)}, nil
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		_ = unix.Pause()
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		_ = unix.Pause()
	case "exit":
		fmt.Println("terminate called after throwing an instance of 'std::bad_alloc'")
		os.Exit(3)
	case "hog":
		hog := make([]byte, 1<<30)
		for i := 0; i < len(hog); i += 4096 {
			hog[i] = 1
		}
		return Response{Body: [][]byte{hog[:1]}}, nil
	}
	return Response{}, nil
}

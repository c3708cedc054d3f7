//go:build workers

package main

import (
	"fmt"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

func TestAFolderComesWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 5 {
		write(t, dir, fmt.Sprintf("%d.jpg", i), picture(t, 320, 240, uint8(40*i)))
	}
	write(t, dir, "2-cut.jpg", picture(t, 320, 240, 1)[:2000])
	write(t, dir, "3-empty.jpg", nil)
	ctx, r := within(t), startCamera(t, "folder:"+dir, nil)
	for i := range 5 {
		f := r.next(t, ctx)
		if f == nil || f.Name != fmt.Sprintf("%d.jpg", i) || f.Dropped != 0 || f.Seq != uint64(i+1) {
			t.Fatalf("frame %d: %+v", i, f)
		}
		middle := f.Tensors[0][3*(vision.Size/2*vision.Size+vision.Size/2)]
		if diff := int(middle) - 40*i; diff < -8 || diff > 8 {
			t.Errorf("frame %d: red %d in the middle", i, middle)
		}
		if i == 4 && f.Unreadable != 2 {
			t.Errorf("%d unreadable files", f.Unreadable)
		}
	}
	if f := r.next(t, ctx); f != nil {
		t.Errorf("behind the last file: %+v", f)
	}
}

func TestEveryFrameOfAVideoComesOnce(t *testing.T) {
	t.Parallel()
	ctx, r := within(t), startCamera(t, "file:"+clip(t, 30)+"?pace=fast", nil)
	n := 0
	for f := r.next(t, ctx); f != nil; f = r.next(t, ctx) {
		if want := fmt.Sprintf("clip.mp4#%06d", n); f.Name != want || f.W != 160 || f.H != 120 {
			t.Errorf("frame %d is %s, %dx%d", n, f.Name, f.W, f.H)
		}
		n++
	}
	if n != 30 {
		t.Errorf("%d frames of 30", n)
	}
}

func TestALoopedVideoGoesOnAtItsOwnPace(t *testing.T) {
	t.Parallel()
	ctx, r := within(t), startCamera(t, "file:"+clip(t, 10)+"?loop=1", nil)
	first := r.next(t, ctx)
	for i := range 25 { // two and a half rounds
		f := r.next(t, ctx)
		if f == nil {
			t.Fatalf("ended at frame %d", i)
		}
		first.Seq = max(first.Seq, f.Seq)
		if i == 24 {
			if took := f.CapturedAt.Sub(first.CapturedAt); took < 2400*time.Millisecond {
				t.Errorf("26 frames of 10 a second in %v", took)
			}
		}
	}
}

func TestTheRenderedFieldRunsOnItsClock(t *testing.T) {
	t.Parallel()
	ctx, r := within(t), startCamera(t, "field:seed=5&speed=600&width=160&height=160&fps=10", nil)
	first := r.next(t, ctx)
	var last *capture.Frame
	for range 5 {
		last = r.next(t, ctx)
	}
	field, wall := last.CapturedAt.Sub(first.CapturedAt), last.WallAt.Sub(first.WallAt)
	if ratio := field.Seconds() / wall.Seconds(); ratio < 300 || ratio > 1200 {
		t.Errorf("%v of the field in %v", field, wall)
	}
	// A worker that is started anew does not turn the field's clock back.
	if err := syscall.Kill(r.worker.State().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f := r.next(t, ctx)
		if f.CapturedAt.Before(last.CapturedAt) || f.Seq <= last.Seq {
			t.Errorf("after the kill: seq %d at %v; before: seq %d at %v", f.Seq, f.CapturedAt, last.Seq, last.CapturedAt)
		}
		last = f
	}
}

// mjpegCamera is an IP camera that can be unplugged.
type mjpegCamera struct {
	t       *testing.T
	address string
	server  *http.Server
	served  chan struct{}
}

func (c *mjpegCamera) plug() {
	c.t.Helper()
	if c.address == "" {
		c.address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.address = listener.Addr().String()
	frame := picture(c.t, 160, 120, 200)
	c.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "cam" || password != "sesame" {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		parts := multipart.NewWriter(w)
		w.Header().Set("Content-Type", "multipart/x-mixed-replace;boundary="+parts.Boundary())
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			part, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {"image/jpeg"}, "Content-Length": {fmt.Sprint(len(frame))}})
			if err != nil {
				return
			}
			if _, err := part.Write(frame); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	})}
	c.served = make(chan struct{})
	server, served := c.server, c.served
	go func() {
		_ = server.Serve(listener)
		close(served)
	}()
}

func (c *mjpegCamera) unplug() {
	_ = c.server.Close()
	<-c.served
}

func TestAStreamThatIsUnpluggedComesBackAndKeepsItsPassword(t *testing.T) {
	t.Parallel()
	ip := &mjpegCamera{t: t}
	ip.plug()
	ctx, r := within(t), startCamera(t, "http://cam:sesame@"+ip.address+"/video.mjpg", nil)
	before := r.next(t, ctx)
	if before.W != 160 || before.H != 120 {
		t.Errorf("%dx%d", before.W, before.H)
	}
	ip.unplug()
	for { // what was on its way may still come
		if _, err := r.camera.Next(ctx, capture.Request{}); err != nil {
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("password in the error: %v", err)
			}
			break
		}
	}
	ip.plug()
	defer ip.unplug()
	if after := r.next(t, ctx); after.Seq <= before.Seq {
		t.Errorf("seq %d, then %d", before.Seq, after.Seq)
	}
	if log := r.log.String(); strings.Contains(log, "sesame") || !strings.Contains(log, "camera will be opened again") {
		t.Errorf("the log holds a password, or does not tell what happened:\n%s", log)
	}
	if restarts := r.worker.State().Restarts; restarts != 0 {
		t.Errorf("%d restarts of the worker for a stream that went away", restarts)
	}
}

func TestAFolderGoesOnBehindAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const files = 20
	for i := range files {
		write(t, dir, fmt.Sprintf("%02d.jpg", i), picture(t, 320, 240, 9))
	}
	ctx, r := within(t), startCamera(t, "folder:"+dir, nil)
	var names []string
	for f := r.next(t, ctx); f != nil; f = r.next(t, ctx) {
		names = append(names, f.Name)
		if f.Seq != uint64(len(names)) {
			t.Errorf("frame %d has seq %d", len(names), f.Seq)
		}
		if len(names)%6 == 0 {
			if err := syscall.Kill(r.worker.State().PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(names) != files || r.worker.State().Restarts != 3 {
		t.Errorf("%d of %d files over %d restarts: %v", len(names), files, r.worker.State().Restarts, names)
	}
}

func TestAStoppedWorkerIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.jpg", picture(t, 160, 120, 9))
	ctx := within(t)
	r := startCamera(t, "folder:"+dir+"?loop=1&fps=50", func(s *worker.Spec) { s.CallTimeout = 4 * time.Second })
	before := r.next(t, ctx)
	if err := syscall.Kill(r.worker.State().PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if after := r.next(t, ctx); after.Seq <= before.Seq {
		t.Errorf("seq %d, then %d", before.Seq, after.Seq)
	}
	if state := r.worker.State(); state.Restarts == 0 {
		t.Errorf("%+v", state)
	}
}

func TestTheCommandLineTeaches(t *testing.T) {
	t.Parallel()
	program := testbed.Program(t, "gourdian-camera")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--help", 0, "rtsp://"},
		{"--version", 0, "folder, file, device, rtsp, http, https, field"},
		{"", 2, "--source ADDRESS or --decode"},
		{"--decode --source folder:x", 2, "--source ADDRESS or --decode"},
		{"--source nonsense:x", 2, "folder:"},
		{"--source folder:x --threads 0", 2, "1..64"},
		{"--decode", 1, "gourdian-agent"},
	} {
		cmd := exec.Command(program, strings.Fields(c.args)...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.says) {
			t.Errorf("%q: exit %v, %v: %s", c.args, cmd.ProcessState, err, out)
		}
	}
}

//go:build gocv_specific_modules && gocv_videoio

package cv_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gourdian/internal/capture/cv"
)

// A server that takes the connection and then says nothing: a camera whose
// firmware hangs. The driver has to give up by itself.
func TestAStreamThatNeverAnswersIsGivenUp(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, scheme := range []string{"rtsp", "http"} {
		began := time.Now()
		_, err := cv.OpenStream(scheme + "://user:sesame@" + listener.Addr().String() + "/live")
		if err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", scheme, err)
		}
		if took := time.Since(began); took > 9*time.Second {
			t.Errorf("%s: given up after %v, want 5 s", scheme, took)
		}
	}
}

func TestWhatIsNoVideoIsRefused(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(text, []byte("not a video"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*cv.Video, error){
		"absent file":   func() (*cv.Video, error) { return cv.OpenFile(text + "x") },
		"text":          func() (*cv.Video, error) { return cv.OpenFile(text) },
		"absent device": func() (*cv.Video, error) { return cv.OpenDevice("/dev/video99", 0, 0, 0) },
		"not a device":  func() (*cv.Video, error) { return cv.OpenDevice(text, 640, 480, 5) },
	} {
		if _, err := open(); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

package drivers

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"gourdian/internal/capture"
)

func TestOpenNamesTheAddressButNoPassword(t *testing.T) {
	t.Parallel()
	for uri, shown := range map[string]string{
		"folder:" + filepath.Join(t.TempDir(), "absent"):  "absent",
		"file:/nowhere/clip.mp4":                          "/nowhere/clip.mp4",
		"device:/dev/video77":                             "/dev/video77",
		"rtsp://user:sesame@127.0.0.1:1/live?pass=sesame": "rtsp://user:xxxxx@127.0.0.1:1/live",
		"http://user:sesame@127.0.0.1:1/live":             "http://user:xxxxx@127.0.0.1:1/live",
		"field:fps=99":                                    "fps",
	} {
		a, err := capture.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), a, Env{Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), shown) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", a, err)
		}
	}
}

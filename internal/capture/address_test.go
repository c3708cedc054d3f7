package capture_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/capture/drivers"
)

func TestParseReadsEveryForm(t *testing.T) {
	t.Parallel()
	for _, s := range capture.Schemes() {
		a, err := capture.Parse(s.Form)
		if err != nil || a.Scheme != s.Name {
			t.Errorf("%s: %+v, %v", s.Form, a, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]struct {
		kind   capture.Kind
		target string
	}{
		"folder:photos":                   {capture.Finite, "photos"},
		"folder:/a b/what?.d?loop=1":      {capture.Live, "/a b/what?.d"},
		"folder:x?loop=0":                 {capture.Finite, "x"},
		"FILE:clip.mp4":                   {capture.Live, "clip.mp4"},
		"file:clip.mp4?pace=fast":         {capture.Finite, "clip.mp4"},
		"file:clip.mp4?pace=live&loop=1":  {capture.Live, "clip.mp4"},
		"device:/dev/video0?fps=0.5":      {capture.Live, "/dev/video0"},
		"rtsp://h/s?channel=1&loop=maybe": {capture.Live, "rtsp://h/s?channel=1&loop=maybe"},
		"field:":                          {capture.Live, ""},
		"field:seed=7&anything=1":         {capture.Live, "seed=7&anything=1"},
	} {
		a, err := capture.Parse(uri)
		if err != nil || a.Kind() != want.kind || a.Target != want.target {
			t.Errorf("%s: %q %q, %v", uri, a.Kind(), a.Target, err)
		}
	}
}

func TestParseRefusesAndSaysWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for uri, hint := range map[string]string{
		"":                                "folder:",
		"photos":                          "folder:photos",
		"ftp://host/x":                    "rtsp:",
		"C:\\photos":                      "folder:",
		"folder:":                         "folder:photos",
		"folder:?loop=1":                  "no path",
		"folder:x?lop=1":                  "loop, fps",
		"folder:x?loop=yes":               "0 or 1",
		"folder:x?fps=2":                  "loop=1",
		"folder:x?loop=1&fps=0":           "0.2",
		"folder:x?loop=1&fps=NaN":         "number",
		"file:x?pace=fast&loop=1":         "once",
		"device:/dev/video0?width=-1":     "number from 1",
		"device:/dev/video0?height=1e9":   "number from 1",
		"rtsp:///stream":                  "host",
		"rtsp://user:pa ss@host:abc/live": "%40",
	} {
		_, err := capture.Parse(uri)
		if !errors.Is(err, capture.ErrBadAddress) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v, want a hint at %q", uri, err, hint)
		}
	}
}

func TestPasswordsAreNeverShown(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"rtsp://user:sesame@host/live", "http://user:sesame@host/x?user=a&pwd=sesame", "rtsp://user:sesame@host:port/",
		"rtsp://user:ses%zzame@h:1/sesame", "rtsp://:sesame@", "https://h/video?token=sesame",
	} {
		a, err := capture.Parse(uri)
		if err != nil {
			if strings.Contains(err.Error(), "same") {
				t.Errorf("error: %v", err)
			}
			continue
		}
		if strings.Contains(a.String(), "sesame") {
			t.Errorf("shown: %v", a)
		}
	}
}

func TestEverySchemeHasItsDriver(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range capture.Schemes() {
		names = append(names, s.Name)
	}
	if got := drivers.Names(); !slices.Equal(got, names) {
		t.Errorf("drivers for %v, addresses for %v", got, names)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range capture.Schemes() {
		f.Add(s.Form)
	}
	f.Add("folder:x?loop=1&fps=0.2&fps=3")
	f.Fuzz(func(t *testing.T, uri string) {
		a, err := capture.Parse(uri)
		if err != nil {
			return
		}
		_ = a.String()
		if k := a.Kind(); k != capture.Live && k != capture.Finite {
			t.Errorf("kind %q", k)
		}
		if fps := a.Number("fps", 1); !(fps >= capture.MinFPS && fps <= 120) {
			t.Errorf("%v fps", fps)
		}
	})
}

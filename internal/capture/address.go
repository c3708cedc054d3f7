package capture

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ErrBadAddress is wrapped by every error of Parse.
var ErrBadAddress = errors.New("bad camera address")

// Scheme is one kind of camera address. Adding a camera begins with a line in
// Schemes, see docs/adding-a-camera.md.
type Scheme struct {
	Name    string   // before the colon
	Form    string   // an example
	Help    string   // one line for people
	Stream  bool     // the address is a URL and goes to the driver as it is, query and all
	Query   bool     // all behind the colon is the driver's own query
	Options []string // allowed behind "?", from optionChecks
}

// Schemes returns every kind of camera address.
func Schemes() []Scheme {
	return []Scheme{
		{Name: "folder", Form: "folder:photos/today", Help: "the pictures of a folder, once; with loop=1&fps=2 again and again, like a camera", Options: []string{"loop", "fps"}},
		{Name: "file", Form: "file:clip.mp4", Help: "a video at its own pace; loop=1 starts it again, pace=fast takes every frame without waiting", Options: []string{"loop", "pace"}},
		{Name: "device", Form: "device:/dev/video0?width=1280&height=720&fps=15", Help: "a camera on this machine (V4L2)", Options: []string{"width", "height", "fps"}},
		{Name: "rtsp", Form: "rtsp://user:password@192.168.1.20/stream1", Help: "an IP camera, over TCP", Stream: true},
		{Name: "http", Form: "http://192.168.1.20/video.mjpg", Help: "an IP camera that sends MJPEG or a video", Stream: true},
		{Name: "https", Form: "https://camera.example/video.mjpg", Help: "the same, encrypted", Stream: true},
		{Name: "field", Form: "field:seed=7&speed=60", Help: "the rendered field, for demo and tests", Query: true},
	}
}

// Address is a parsed camera address. It may hold a password, which String and
// the errors of this package leave out.
type Address struct {
	Scheme string
	Target string // path, URL, or query of the driver
	opts   url.Values
}

// Parse reads a camera address. Its errors wrap ErrBadAddress, say what would
// be right and never hold a password.
func Parse(uri string) (Address, error) {
	name, rest, found := strings.Cut(uri, ":")
	schemes := Schemes()
	at := slices.IndexFunc(schemes, func(s Scheme) bool { return s.Name == strings.ToLower(name) })
	switch {
	case uri == "":
		return Address{}, fmt.Errorf("%w: it is empty; known are %s", ErrBadAddress, knownForms(schemes))
	case !found:
		return Address{}, fmt.Errorf("%w: %q has no kind before a colon; a folder of photos is folder:%s, a video file:%s", ErrBadAddress, uri, uri, uri)
	case at < 0:
		return Address{}, fmt.Errorf("%w: unknown kind %q; known are %s", ErrBadAddress, name, knownForms(schemes))
	}
	scheme := schemes[at]
	a := Address{Scheme: scheme.Name, Target: rest}
	switch {
	case scheme.Stream:
		return a, a.asStream(uri)
	case rest == "" && !scheme.Query:
		return a, fmt.Errorf("%w: nothing behind %s: (such as %s)", ErrBadAddress, name, scheme.Form)
	case !scheme.Query:
		return a, a.asPath(scheme)
	}
	return a, nil
}

func knownForms(schemes []Scheme) string {
	forms := make([]string, len(schemes))
	for i, s := range schemes {
		forms[i] = s.Form
	}
	return strings.Join(forms, ", ")
}

func (a *Address) asStream(uri string) error {
	u, err := url.Parse(uri)
	if err != nil { // its text may hold the password
		return fmt.Errorf("%w: the %s address is no URL; special characters in a password are written as %%40 for @, %%3A for :, %%2F for /", ErrBadAddress, a.Scheme)
	}
	if u.Hostname() == "" {
		return fmt.Errorf("%w: the %s address names no host", ErrBadAddress, a.Scheme)
	}
	a.Target = u.String()
	return nil
}

// optionChecks says what each option may hold.
func optionChecks() map[string]func(string) error {
	return map[string]func(string) error{
		"loop":   oneOf("0", "1"),
		"pace":   oneOf("live", "fast"),
		"width":  between(1, 10_000),
		"height": between(1, 10_000),
		"fps":    between(MinFPS, 120),
	}
}

// MinFPS is the least rate of a source: one picture in five seconds, well
// within the time after which a silent source counts as stuck.
const MinFPS = 0.2

func (a *Address) asPath(scheme Scheme) error {
	path, query, found := cutLast(a.Target, "?")
	a.Target = path
	if path == "" {
		return fmt.Errorf("%w: no path before the options (such as %s)", ErrBadAddress, scheme.Form)
	}
	if !found {
		return nil
	}
	opts, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("%w: options %q: %w", ErrBadAddress, query, err)
	}
	for key, values := range opts {
		if !slices.Contains(scheme.Options, key) {
			return fmt.Errorf("%w: %s: has no option %q; it has %s", ErrBadAddress, a.Scheme, key, strings.Join(scheme.Options, ", "))
		}
		if err := optionChecks()[key](values[0]); err != nil {
			return fmt.Errorf("%w: option %s: %w", ErrBadAddress, key, err)
		}
	}
	a.opts = opts
	return a.checkTogether()
}

// checkTogether refuses options that contradict each other.
func (a *Address) checkTogether() error {
	switch {
	case a.Scheme == "folder" && a.opts.Has("fps") && !a.Loop():
		return fmt.Errorf("%w: fps needs loop=1: a folder that is read once waits for nobody", ErrBadAddress)
	case a.Fast() && a.Loop():
		return fmt.Errorf("%w: pace=fast reads a video once, without loop=1", ErrBadAddress)
	}
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func oneOf(values ...string) func(string) error {
	return func(v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("%q is not %s", v, strings.Join(values, " or "))
		}
		return nil
	}
}

func between(low, high float64) func(string) error {
	return func(v string) error {
		if n, err := strconv.ParseFloat(v, 64); err != nil || !(n >= low && n <= high) {
			return fmt.Errorf("%q is not a number from %v to %v", v, low, high)
		}
		return nil
	}
}

// Kind says how the pictures of this source relate to each other.
func (a Address) Kind() Kind {
	if a.Scheme == "folder" && !a.Loop() || a.Fast() {
		return Finite
	}
	return Live
}

// Loop reports the option loop=1.
func (a Address) Loop() bool { return a.opts.Get("loop") == "1" }

// Fast reports the option pace=fast.
func (a Address) Fast() bool { return a.opts.Get("pace") == "fast" }

// Number returns a numeric option, otherwise where it is not given.
func (a Address) Number(name string, otherwise float64) float64 {
	if n, err := strconv.ParseFloat(a.opts.Get(name), 64); err == nil {
		return n
	}
	return otherwise
}

// String returns the address without any password.
func (a Address) String() string {
	if u, err := url.Parse(a.Target); err == nil && u.Host != "" {
		if u.RawQuery != "" { // some cameras take user and password there
			u.RawQuery = "..."
		}
		return u.Redacted()
	}
	s := a.Scheme + ":" + a.Target
	if len(a.opts) > 0 {
		s += "?" + a.opts.Encode()
	}
	return s
}

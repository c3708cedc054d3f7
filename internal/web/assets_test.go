package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func ask(a *Assets, method, address, encoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, address, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestAssetsLiveUnderTheirHash(t *testing.T) {
	t.Parallel()
	own := fstest.MapFS{"live.js": {Data: []byte("let a;")}, "sub/.keep": {Data: []byte("x")}}
	a, err := NewAssets(own)
	if err != nil {
		t.Fatal(err)
	}
	address := a.Address("live.js")
	if !regexp.MustCompile(`^/assets/live\.[0-9a-f]{12}\.js$`).MatchString(address) || a.Address("sub/.keep") != "" || a.Address("none") != "" {
		t.Errorf("%q", address)
	}
	w := ask(a, http.MethodGet, address, "br, gzip;q=0.5")
	weight := w.Body.Len()
	unzipped, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unzipped); err != nil || string(text) != "let a;" || a.Weight("live.js") != weight {
		t.Errorf("%q %v, %d bytes", text, err, weight)
	}
	for _, encoding := range []string{"", "br", "gzip;q=0", "gzip; q=0"} {
		if w := ask(a, http.MethodGet, address, encoding); w.Body.String() != "let a;" || w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%q: %q", encoding, w.Body)
		}
	}
	if w := ask(a, http.MethodHead, address, ""); w.Body.Len() != 0 || w.Header().Get("Content-Length") != "6" {
		t.Errorf("HEAD: %d bytes, %v", w.Body.Len(), w.Header())
	}
	for _, wrong := range []string{"/assets/live.js", "/assets/live.000000000000.js", "/assets/../style.css", "/assets/"} {
		if w := ask(a, http.MethodGet, wrong, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", wrong, w.Code)
		}
	}
}

func TestTypeOfAssets(t *testing.T) {
	t.Parallel()
	a, err := NewAssets(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		if got := ask(a, http.MethodGet, a.Address(name), "").Header().Get("Content-Type"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNameUsedTwiceIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := NewAssets(fstest.MapFS{"style.css": {Data: []byte("x")}}); err == nil {
		t.Error("one of them is served")
	}
}

func TestMissingAssetsAreNamed(t *testing.T) {
	t.Parallel()
	a, err := newAssets(fstest.MapFS{"npm/.keep": {}, "npm/sse.min.js": {Data: []byte("x")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if missing := a.Missing(); len(missing) != 3 || missing[0] != "htmx.min.js" || missing[1] != "uPlot.iife.min.js" {
		t.Errorf("%q", missing)
	}
}

// TestColoursAreReadable computes WCAG contrast from the style sheet: 4.5:1 for
// text, 7:1 for verdicts, which are read in the sun, 3:1 for what is no text.
func TestColoursAreReadable(t *testing.T) {
	t.Parallel()
	css, err := shared.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := tokens(string(css))
	if len(themes) != 3 || fmt.Sprint(themes[1]) != fmt.Sprint(themes[2]) {
		t.Fatalf("%d themes; dark by choice and dark by device must be one", len(themes))
	}
	for i, theme := range themes[:2] {
		check := func(least float64, front string, backs ...string) {
			for _, back := range backs {
				if got := contrast(t, theme[front], theme[back]); got < least {
					t.Errorf("theme %d: %s on %s has %.2f:1, at least %v:1", i, front, back, got, least)
				}
			}
		}
		check(7, "ink", "paper", "sheet", "well", "warn-back", "alarm-back", "note-back")
		for _, verdict := range []string{"good", "regular", "bad", "none", "unsure", "c6"} {
			check(7, verdict, "paper", "sheet")
			check(4.5, verdict, "well", "warn-back", "alarm-back", "note-back")
		}
		check(4.5, "faint", "paper", "sheet", "well", "note-back", "warn-back", "alarm-back")
		check(4.5, "on-accent", "accent")
		check(3, "accent", "paper", "sheet")
		check(3, "focus", "paper", "sheet", "well")
		check(3, "faint", "sheet") // edges of fields
	}
}

// tokens reads the colours of each :root block.
func tokens(css string) []map[string]string {
	var themes []map[string]string
	for _, block := range regexp.MustCompile(`:root[^{]*\{([^}]*)\}`).FindAllStringSubmatch(css, -1) {
		theme := map[string]string{}
		for _, found := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block[1], -1) {
			theme[found[1]] = found[2]
		}
		themes = append(themes, theme)
	}
	return themes
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is that of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != 7 {
		t.Fatalf("no colour: %q", colour)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	t.Parallel()
	if got := contrast(t, "#000000", "#ffffff"); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white: %v", got)
	}
	if got := contrast(t, "#767676", "#ffffff"); got < 4.5 || got > 4.6 {
		t.Errorf("the known grey: %v", got)
	}
}

// TestStyleSheetLoadsNothing keeps other hosts and inline data out.
func TestStyleSheetLoadsNothing(t *testing.T) {
	t.Parallel()
	css, err := shared.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, banned := range []string{"url(", "@import", "expression("} {
		if strings.Contains(string(css), banned) {
			t.Errorf("holds %s", banned)
		}
	}
	if open, shut := bytes.Count(css, []byte("{")), bytes.Count(css, []byte("}")); open != shut {
		t.Errorf("%d braces open, %d close", open, shut)
	}
}

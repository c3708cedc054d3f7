package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// shared holds the style sheet, and in assets/npm what set-up copied from npm:
// nothing but .keep before set-up has run.
//
//go:embed all:assets
var shared embed.FS

//go:embed assets/plot.css
var plotStyle string

// npmFiles are the page assets that set-up copies into assets/npm.
func npmFiles() []string {
	return []string{"npm/htmx.min.js", "npm/sse.min.js", "npm/uPlot.iife.min.js", "npm/uPlot.min.css"}
}

// PlotStyle is the style sheet of what package plot draws, for a page that
// stands by itself. A site serves it as the asset "plot.css".
func PlotStyle() string { return plotStyle }

// AssetPrefix is where every asset lives.
const AssetPrefix = "/assets/"

// Assets serves embedded files under addresses that hold a hash of their
// content, so that a browser may keep them for ever. It does not change after
// NewAssets and may be used from many goroutines.
type Assets struct {
	byName    map[string]asset // "style.css"
	byAddress map[string]asset // "/assets/style.0123456789ab.css"
	missing   []string
}

type asset struct {
	address string
	mime    string
	raw     []byte
	zipped  []byte
}

// NewAssets takes the shared assets and those of own, the caller's folder
// (names relative to its root; nil = none). It fails when a name is used twice.
func NewAssets(own fs.FS) (*Assets, error) {
	root, err := fs.Sub(shared, "assets")
	if err != nil {
		return nil, fmt.Errorf("open shared assets: %w", err)
	}
	return newAssets(root, own)
}

func newAssets(root, own fs.FS) (*Assets, error) {
	a := &Assets{byName: map[string]asset{}, byAddress: map[string]asset{}}
	for _, dir := range []fs.FS{root, own} {
		if dir == nil {
			continue
		}
		if err := a.addAll(dir); err != nil {
			return nil, err
		}
	}
	for _, name := range npmFiles() {
		if _, ok := a.byName[name]; !ok {
			a.missing = append(a.missing, path.Base(name))
		}
	}
	return a, nil
}

func (a *Assets) addAll(dir fs.FS) error {
	return fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return fmt.Errorf("read asset %s: %w", name, err)
		}
		if _, twice := a.byName[name]; twice {
			return fmt.Errorf("asset %s stands twice", name)
		}
		return a.add(name, data)
	})
}

func (a *Assets) add(name string, data []byte) error {
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress asset %s: %w", name, err)
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("compress asset %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("compress asset %s: %w", name, err)
	}
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	address := AssetPrefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	one := asset{address: address, mime: mime.TypeByExtension(ext), raw: data, zipped: zipped.Bytes()}
	a.byName[name], a.byAddress[address] = one, one
	return nil
}

// Missing names the npm assets that were not there when the program was built;
// nil when all are.
func (a *Assets) Missing() []string { return slices.Clone(a.missing) }

// Address returns where the asset called name is served, "" when there is none.
func (a *Assets) Address(name string) string { return a.byName[name].address }

// Weight returns the bytes that a browser which accepts gzip loads for name.
func (a *Assets) Weight(name string) int { return len(a.byName[name].zipped) }

// ServeHTTP serves one asset by its hashed address.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one, ok := a.byAddress[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", one.mime)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	body := one.raw
	if AcceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = one.zipped
	}
	header.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader that went away needs no answer
	}
}

// AcceptsGzip reports whether the reader of r takes a gzip body.
func AcceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == "gzip" && strings.ReplaceAll(params, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

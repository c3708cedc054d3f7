package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// ParsePages parses the templates of a site, by file name without ".html".
// frame.html and parts.html belong to all of them; each other file fills in
// "main".
func ParsePages(files fs.FS, funcs template.FuncMap) (map[string]*template.Template, error) {
	base, err := template.New("frame.html").Funcs(funcs).ParseFS(files, "templates/frame.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		one, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if one, err = one.ParseFS(files, name); err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(path.Base(name), ".html")] = one
	}
	return pages, nil
}

// Zip makes HTML smaller where the reader can read it so, and says it in the
// headers of the answer. Nothing secret may stand in a page that its length
// could tell.
func Zip(r *http.Request, h http.Header, html []byte) []byte {
	if !AcceptsGzip(r) {
		return html
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write(html)
	if err = errors.Join(err, w.Close()); err != nil {
		return html
	}
	h.Set("Content-Encoding", "gzip")
	return zipped.Bytes()
}

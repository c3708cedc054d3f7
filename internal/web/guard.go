package web

import (
	"net/http"
	"net/url"
	"strings"
)

// SetSecurityHeaders lets a page load from its own host alone: no inline script
// or style, no frame around it. Pictures may come from further sources too, such
// as "blob:" for a photo that its reader has chosen and not yet sent.
func SetSecurityHeaders(h http.Header, pictures ...string) {
	images := strings.Join(append([]string{"'self'"}, pictures...), " ")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src "+images+"; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // handlers of things that never change say otherwise
}

// LocalPath returns next where it is a path on this host, and neither a path of
// except nor anything below one that ends in "/", else "/". Browsers read
// "//host" and "/\host" as another site and drop control characters before they
// look.
func LocalPath(next string, except ...string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsRune(next, '\\') ||
		strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	for _, path := range except {
		if u.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(u.Path, path) {
			return "/"
		}
	}
	return u.RequestURI()
}

// ComingFrom is the path of the page on this host that a form was sent from,
// "/" where the browser says none.
func ComingFrom(r *http.Request, except ...string) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return "/"
	}
	return LocalPath(from.RequestURI(), except...)
}

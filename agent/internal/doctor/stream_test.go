package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// answering listens and says the same to everybody, once for each connection;
// with "" it stays silent.
func answering(t *testing.T, says string) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the listener
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if says == "" {
				t.Cleanup(func() { _ = conn.Close() })
				continue
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = fmt.Fprint(conn, says)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestStreamThatWillNotShow(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	asksHTTP := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != "right" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(asksHTTP.Close)
	for name, c := range map[string]struct {
		uri  string
		code Code
	}{
		"nothing listens":      {"rtsp://u:secret@" + closed + "/s", cameraRefused},
		"no password given":    {"rtsp://" + answering(t, "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n") + "/s", cameraPassword},
		"wrong password":       {"rtsp://u:secret@" + answering(t, "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n") + "/s", cameraLogin},
		"wrong path":           {"rtsp://u:secret@" + answering(t, "RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n") + "/s", cameraPath},
		"accepts, stays mute":  {"rtsp://u:secret@" + answering(t, "") + "/s", cameraNoHost},
		"http, wrong password": {strings.Replace(asksHTTP.URL, "http://", "http://u:secret@", 1), cameraLogin},
		"http, none given":     {asksHTTP.URL, cameraPassword},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			r, found := askStream(ctx, address(t, c.uri))
			if !found {
				t.Fatal("nothing is found")
			}
			want(t, r, c.code)
			if text := fmt.Sprint(r.Args); strings.Contains(text, "secret") {
				t.Errorf("the password is said: %s", text)
			}
		})
	}
}

func TestNamesThatNobodyHas(t *testing.T) {
	t.Parallel()
	r, found := judgeDial("barn:554", &net.OpError{Err: &net.DNSError{Err: "no such host", Name: "barn", IsNotFound: true}})
	if !found {
		t.Fatal("nothing is found")
	}
	want(t, r, cameraNoName)
	if r, found := judgeDial("barn:554", errors.New("something else")); found {
		t.Errorf("%v is made of an error that says nothing", r)
	}
}

func TestStreamThatIsWellTellsNothing(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"RTSP/1.0 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n", strings.Repeat("x", 4096)} {
		if r, found := askStream(t.Context(), address(t, "rtsp://"+answering(t, says)+"/s")); found {
			t.Errorf("%.10s: %v", says, r)
		}
	}
}

func TestPortsOfStreams(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"rtsp://camera/s": "camera:554", "http://camera/s": "camera:80", "https://camera/s": "camera:443", "rtsp://camera:8554/s": "camera:8554",
	} {
		u, err := url.Parse(given)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostPort(u); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}

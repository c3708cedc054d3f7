package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"gourdian/internal/capture"
)

const (
	// askFor bounds a look at a network camera.
	askFor = 4 * time.Second
	// rtspPort is the one that rtsp means.
	rtspPort = "554"
	// longestStatus bounds a status line, which is read from anybody.
	longestStatus = 1 << 10
)

// askStream asks a network camera why it gives no picture: whether there is a
// host, whether anything listens, and what it says to somebody without a
// password. found is false where that tells nothing. No result holds a password.
func askStream(ctx context.Context, a capture.Address) (r Result, found bool) {
	u, err := url.Parse(a.Target)
	if err != nil {
		return Result{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	host := hostPort(u)
	status := 0
	if u.Scheme == "rtsp" {
		status, err = askRTSP(ctx, host, u)
	} else {
		status, err = askHTTP(ctx, u)
	}
	if err != nil {
		return judgeDial(host, err)
	}
	return judgeStatus(status, u.User != nil)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"rtsp": rtspPort, "http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// judgeDial says in words why nothing answers.
func judgeDial(host string, err error) (Result, bool) {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return is(cameraNoName, "host", host), true
	case errors.Is(err, syscall.ECONNREFUSED):
		return is(cameraRefused, "host", host), true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return is(cameraNoHost, "host", host), true
	}
	return Result{}, false
}

// judgeStatus says what a camera means by its status. One without a word about
// passwords that still gives no picture is beyond us.
func judgeStatus(status int, named bool) (Result, bool) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if named {
			return is(cameraLogin, "status", status), true
		}
		return is(cameraPassword, "status", status), true
	case http.StatusNotFound:
		return is(cameraPath, "status", status), true
	}
	return Result{}, false
}

// askRTSP sends DESCRIBE without a password and returns the status.
func askRTSP(ctx context.Context, host string, u *url.URL) (status int, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }() // one question was all
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return 0, err
		}
	}
	public := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawQuery: u.RawQuery}
	if _, err := fmt.Fprintf(conn, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n", public.String()); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(io.LimitReader(conn, longestStatus)).ReadString('\n')
	if err != nil {
		return 0, err
	}
	version := ""
	if _, err := fmt.Sscan(line, &version, &status); err != nil || !strings.HasPrefix(version, "RTSP/") {
		return 0, fmt.Errorf("no RTSP: %w", errNoAnswer)
	}
	return status, nil
}

// errNoAnswer is what a camera said that does not speak the protocol.
var errNoAnswer = errors.New("an answer of another kind")

func askHTTP(ctx context.Context, u *url.URL) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, err
	}
	// Its own: no connection stays open behind our back.
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

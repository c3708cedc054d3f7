package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Client asks one hub.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// maxAnswer bounds an answer in bytes.
const maxAnswer = 4 << 20

// New returns a client for the hub at address. ca is a PEM file with the
// certificate that signed the hub's, "" = those that the system trusts. conns
// is how many requests may be under way at once.
func New(address, token, ca string, conns int) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("hub address %q is not like https://hub.example:8443", address)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConns: conns, MaxIdleConnsPerHost: conns, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 30 * time.Second, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("read the hub's CA: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the hub's CA: no certificate in %s", ca)
		}
	}
	return &Client{base: strings.TrimSuffix(u.String(), "/"), token: token, http: &http.Client{Transport: transport}}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is what the hub answered instead of what was asked for.
type Error struct {
	Status     int
	Code       string        `json:"code"`
	Message    string        `json:"message"`
	Hint       string        `json:"hint"`
	RetryAfter time.Duration `json:"-"`
}

// Error implements error.
func (e *Error) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the hub answers %d: %s %s", e.Status, e.Message, e.Hint))
}

// call sends a request and reads the answer's JSON into result.
func (c *Client) call(ctx context.Context, method, path, contentType string, body io.Reader, result any) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask the hub: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the hub's answer: %w", err)
	}
	if answer.StatusCode >= 300 {
		return refused(answer, data)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(data, result); err != nil {
		return fmt.Errorf("read the hub's answer: %w", err)
	}
	return nil
}

func refused(answer *http.Response, data []byte) error {
	var body struct {
		Error Error `json:"error"`
	}
	if json.Unmarshal(data, &body) != nil || body.Error.Message == "" {
		body.Error.Message = http.StatusText(answer.StatusCode) + "."
	}
	e := body.Error
	e.Status = answer.StatusCode
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return &e
}

// Model is a version in the hub's registry.
type Model struct {
	Version int64  `json:"version"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Created bool   `json:"created"` // false: it was there already
}

// Push sends a bundle.
func (c *Client) Push(ctx context.Context, bundle io.Reader, notes string) (Model, error) {
	var m Model
	err := c.call(ctx, http.MethodPost, "/api/v1/models?notes="+url.QueryEscape(notes), "application/octet-stream", bundle, &m)
	return m, err
}

// Champion is the version that answers.
type Champion struct {
	Version  int64 `json:"version"`
	Revision int64 `json:"revision"`
}

// Promote makes a version the champion, with a reason.
func (c *Client) Promote(ctx context.Context, version int64, reason string) (Champion, error) {
	var now Champion
	if err := c.call(ctx, http.MethodGet, "/api/v1/champion", "", nil, &now); err != nil {
		return now, err
	}
	return now, c.send(ctx, "/api/v1/champion", map[string]any{"version": version, "revision": now.Revision, "reason": reason}, &now)
}

// form is a request for the verdict on one picture.
type form struct {
	contentType string
	body        []byte
}

func newForm(picture []byte) (form, error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	part, err := w.CreateFormFile("image", "picture.jpg")
	if err == nil {
		_, err = part.Write(picture)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return form{}, fmt.Errorf("make request: %w", err)
	}
	return form{w.FormDataContentType(), out.Bytes()}, nil
}

// predict asks for one verdict.
func (c *Client) predict(ctx context.Context, f form) (verdict string, err error) {
	var answer struct {
		Results []struct {
			Verdict string `json:"verdict"`
		} `json:"results"`
	}
	if err := c.call(ctx, http.MethodPost, "/api/v1/predict", f.contentType, bytes.NewReader(f.body), &answer); err != nil {
		return "", err
	}
	if len(answer.Results) != 1 || answer.Results[0].Verdict == "" {
		return "", errors.New("the hub's answer holds no verdict")
	}
	return answer.Results[0].Verdict, nil
}

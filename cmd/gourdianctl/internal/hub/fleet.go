package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Board is a board as the hub knows it.
type Board struct {
	Device  string   `json:"device"`
	Name    string   `json:"name"`
	Site    string   `json:"site"`
	Online  bool     `json:"online"`
	Streams []Stream `json:"streams"` // of one board only, not of a list
}

// Stream is how far the hub has the records of one store of a board.
type Stream struct {
	Epoch   string `json:"epoch"`
	Through uint64 `json:"through"`
	Records uint64 `json:"records"`
	PutAway uint64 `json:"put_away"`
	Lost    uint64 `json:"lost"`
}

// Board returns one board.
func (c *Client) Board(ctx context.Context, device string) (Board, error) {
	var b Board
	return b, c.call(ctx, http.MethodGet, "/api/v1/boards/"+url.PathEscape(device), "", nil, &b)
}

// JoinToken makes a token with which so many boards may join a site.
func (c *Client) JoinToken(ctx context.Context, site string, uses int) (string, error) {
	var answer struct {
		Token string `json:"token"`
	}
	return answer.Token, c.send(ctx, "/api/v1/join-tokens", map[string]any{"site": site, "uses": uses, "days": 1}, &answer)
}

// Sample is a picture that waits for a label, or has one.
type Sample struct {
	Hash       string    `json:"hash"`
	Device     string    `json:"device"`
	Why        string    `json:"why"`
	CapturedAt time.Time `json:"captured_at"` // of the field's clock
	Label      string    `json:"label"`
	Version    int64     `json:"label_version"`
}

// Samples returns the newest pictures that a filter chooses, as addresses have
// it.
func (c *Client) Samples(ctx context.Context, filter url.Values) ([]Sample, error) {
	var answer struct {
		Samples []Sample `json:"samples"`
	}
	return answer.Samples, c.call(ctx, http.MethodGet, "/api/v1/samples?"+filter.Encode(), "", nil, &answer)
}

// Label says what a picture shows.
func (c *Client) Label(ctx context.Context, s Sample, label string) error {
	return c.send(ctx, "/api/v1/samples/"+url.PathEscape(s.Hash)+"/label", map[string]any{"label": label, "version": s.Version}, nil)
}

// Predict returns the verdict on a picture.
func (c *Client) Predict(ctx context.Context, picture []byte) (verdict string, err error) {
	f, err := newForm(picture)
	if err != nil {
		return "", err
	}
	return c.predict(ctx, f)
}

// Wait is how long to wait before asking again, where err says that the hub
// can't answer just now.
func Wait(err error) (pause time.Duration, again bool) {
	var said *Error
	if !errors.As(err, &said) || said.Status != http.StatusServiceUnavailable && said.Status != http.StatusTooManyRequests {
		return 0, false
	}
	return max(said.RetryAfter, time.Second), true
}

// send posts JSON.
func (c *Client) send(ctx context.Context, path string, body, result any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return c.call(ctx, http.MethodPost, path, "application/json", bytes.NewReader(data), result)
}

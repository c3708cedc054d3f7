package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Plan is which boards a rollout means, and how fast it goes. What is left out
// is the hub's to choose.
type Plan struct {
	Site     string   `json:"site,omitempty"`
	Group    string   `json:"group,omitempty"`
	Devices  []string `json:"devices,omitempty"`
	Share    int      `json:"share,omitempty"`
	Waves    []string `json:"waves,omitempty"`
	Soak     int64    `json:"soak_seconds"`
	Failures int      `json:"failures,omitempty"`
}

// Rollout is one of a hub.
type Rollout struct {
	ID        string         `json:"id"`
	Number    int64          `json:"number"`
	Version   int64          `json:"version"`
	Bundle    string         `json:"bundle"`
	State     string         `json:"state"`
	Why       string         `json:"why,omitempty"`
	Who       string         `json:"who"`
	Reason    string         `json:"reason"`
	Wave      int            `json:"wave"`
	StartedAt time.Time      `json:"started_at"`
	Plan      Plan           `json:"plan"`
	Counts    map[string]int `json:"counts"`
	Boards    []RolloutBoard `json:"boards,omitempty"`
}

// RolloutBoard is a board in a rollout.
type RolloutBoard struct {
	Device string `json:"device"`
	Name   string `json:"name"`
	Online bool   `json:"online"`
	Wave   int    `json:"wave"`
	State  string `json:"state"`
	Stage  string `json:"stage,omitempty"`
	Step   string `json:"step,omitempty"`
	Why    string `json:"why,omitempty"`
	Done   int64  `json:"done_bytes"`
	Total  int64  `json:"total_bytes"`
	Reused int64  `json:"reused_bytes"`
}

// StartRollout begins one.
func (c *Client) StartRollout(ctx context.Context, version int64, reason string, plan Plan) (Rollout, error) {
	var one Rollout
	err := c.send(ctx, "/api/v1/rollouts", map[string]any{"version": version, "reason": reason, "plan": plan}, &one)
	return one, err
}

// Rollouts lists the newest, the newest first.
func (c *Client) Rollouts(ctx context.Context) ([]Rollout, error) {
	var answer struct {
		Rollouts []Rollout `json:"rollouts"`
	}
	err := c.call(ctx, http.MethodGet, "/api/v1/rollouts", "", nil, &answer)
	return answer.Rollouts, err
}

// Rollout returns one with its boards.
func (c *Client) Rollout(ctx context.Context, id string) (Rollout, error) {
	var one Rollout
	err := c.call(ctx, http.MethodGet, "/api/v1/rollouts/"+url.PathEscape(id), "", nil, &one)
	return one, err
}

// ChangeRollout pauses or resumes one.
func (c *Client) ChangeRollout(ctx context.Context, id, what string) (Rollout, error) {
	var one Rollout
	err := c.send(ctx, "/api/v1/rollouts/"+url.PathEscape(id)+"/"+what, struct{}{}, &one)
	return one, err
}

// AbortRollout ends one for good.
func (c *Client) AbortRollout(ctx context.Context, id, reason string, revert bool) (Rollout, error) {
	var one Rollout
	err := c.send(ctx, "/api/v1/rollouts/"+url.PathEscape(id)+"/abort", map[string]any{"reason": reason, "revert": revert}, &one)
	return one, err
}

// Root returns the hub's root of trust as it is.
func (c *Client) Root(ctx context.Context) ([]byte, error) {
	var root json.RawMessage
	err := c.call(ctx, http.MethodGet, "/api/v1/trust/root", "", nil, &root)
	return root, err
}

// PublishRoot brings the next root to the hub.
func (c *Client) PublishRoot(ctx context.Context, root []byte) error {
	return c.call(ctx, http.MethodPost, "/api/v1/trust/root", "application/json", bytes.NewReader(root), nil)
}

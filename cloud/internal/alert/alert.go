// Package alert tells someone outside when something goes wrong on the hub or
// is well again: one JSON message by POST for each change.
package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"gourdian/cloud/internal/health"
	"gourdian/internal/web"
)

const (
	lookEvery   = 10 * time.Second
	sendTimeout = 10 * time.Second
	// settle keeps what comes and goes at once from waking anyone.
	settle = 30 * time.Second
)

// Message is what the webhook is sent.
type Message struct {
	Event    string    `json:"event"` // "begin", "end" or "test"
	Hub      string    `json:"hub"`
	Code     string    `json:"code"`
	Severity string    `json:"severity"`
	Subject  string    `json:"subject,omitempty"`
	Text     string    `json:"text"` // in English: what is wrong and what to do
	Since    time.Time `json:"since"`
	At       time.Time `json:"at"`
}

// Config is what a Sender needs.
type Config struct {
	Webhook func() string // where to, "" = nobody is told
	Hub     func() string // name of the hub
	Words   *web.Speaker
	Client  *http.Client
	Log     *slog.Logger
}

// Sender watches conditions. One goroutine runs it.
type Sender struct {
	config Config
	now    func() []health.Condition
	to     string             // the other side
	told   []health.Condition // those that it knows of
}

// New returns a sender of what now lists.
func New(config Config, now func() []health.Condition) *Sender {
	return &Sender{config: config, now: now}
}

// Run tells of changes until ctx is done. What can't be sent is tried again
// with the next look.
func (s *Sender) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		err := s.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.config.Log.Warn("an alert can't be sent; it is tried again", "error", err)
		}
		failing = err != nil
	}
}

// look sends what changed since the last time that sending worked.
func (s *Sender) look(ctx context.Context) error {
	to := s.config.Webhook()
	if to != s.to { // another one knows of nothing yet
		s.to, s.told = to, nil
	}
	if to == "" {
		return nil
	}
	at := time.Now()
	current := slices.DeleteFunc(s.now(), func(c health.Condition) bool {
		return c.Severity < health.Warning || at.Sub(c.Since) < settle
	})
	for _, c := range current {
		if slices.ContainsFunc(s.told, same(c)) {
			continue
		}
		if err := s.send(ctx, "begin", c, at); err != nil {
			return err
		}
		s.told = append(s.told, c)
	}
	for _, c := range slices.Clone(s.told) {
		if slices.ContainsFunc(s.now(), same(c)) {
			continue
		}
		if err := s.send(ctx, "end", c, at); err != nil {
			return err
		}
		s.told = slices.DeleteFunc(s.told, same(c))
	}
	return nil
}

func same(a health.Condition) func(health.Condition) bool {
	return func(b health.Condition) bool {
		return a.Code == b.Code && a.Subject == b.Subject && a.Severity == b.Severity
	}
}

func (s *Sender) send(ctx context.Context, event string, c health.Condition, at time.Time) error {
	args := []any{"subject", c.Subject}
	for name, value := range c.Args {
		args = append(args, name, value)
	}
	text := s.config.Words.Say("hub.health."+c.Code, args...)
	if key := "hub.health." + c.Code + ".do"; s.config.Words.Has(key) {
		text += " " + s.config.Words.Say(key, args...)
	}
	return s.post(ctx, s.to, Message{event, s.config.Hub(), c.Code, c.Severity.String(), c.Subject, text, c.Since.UTC(), at.UTC()})
}

// Test sends a message that means nothing to an address, so that a person sees
// whether it arrives. Any goroutine may call it.
func (s *Sender) Test(ctx context.Context, webhook string) error {
	at := time.Now().UTC()
	return s.post(ctx, webhook, Message{
		Event: "test", Hub: s.config.Hub(), Code: "test", Severity: health.Note.String(), Text: s.config.Words.Say("hub.health.test"), Since: at, At: at,
	})
}

func (s *Sender) post(ctx context.Context, webhook string, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send alert: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.config.Client.Do(request)
	if err != nil {
		return fmt.Errorf("send alert: %w", err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 4096)) // so that the connection is kept
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("send alert: the webhook answers %s", answer.Status)
	}
	return nil
}

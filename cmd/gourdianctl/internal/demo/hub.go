package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	ctl "gourdian/cmd/gourdianctl/internal/hub"
	"gourdian/internal/e2e"
)

const (
	// Ports that are tried first.
	plainPort, securePort, brokerPort = 8480, 8443, 8883
	// hubRequests is how many requests the demo has under way at once.
	hubRequests = 4
	// joinsAtMost is how many boards may join with the demo's token of a site.
	joinsAtMost = 20
)

// hub is a running gourdian-hub that the demo has set up.
type hub struct {
	*e2e.Hub
	secure int // port of the console, encrypted
	client *ctl.Client
	relays map[string]*e2e.Relay // by the place of the board
}

// openHub starts a hub on an empty data folder and sets it up as a person would.
func (o *Options) openHub(ctx context.Context) (*hub, error) {
	var at [3]int
	for i, one := range []struct {
		host  string
		first int
	}{{"127.0.0.1:", plainPort}, {":", securePort}, {"127.0.0.1:", brokerPort}} {
		var err error
		if at[i], err = o.freePort(ctx, one.host, one.first); err != nil {
			return nil, err
		}
	}
	h := &hub{secure: at[1], relays: map[string]*e2e.Relay{}}
	var err error
	h.Hub, err = e2e.OpenHub(ctx, e2e.HubOptions{
		Program: o.Hub, Dir: o.Dir, Plain: at[0], Broker: at[2],
		Listen: fmt.Sprintf(":%d", at[1]), Secure: fmt.Sprintf("127.0.0.1:%d", at[1]),
	})
	if err != nil {
		return nil, err
	}
	h.client, err = ctl.New(h.Plain, h.Token, "", hubRequests)
	if err == nil {
		// For whoever has lost sight of it; a new demo has a new one.
		login := fmt.Sprintf("%s\nname: %s\npassword: %s\n", h.Plain, e2e.Person, h.Password)
		err = os.WriteFile(filepath.Join(o.Dir, "login.txt"), []byte(login), 0o600)
	}
	if err != nil {
		h.stop()
		return nil, fmt.Errorf("keep the password: %w", err)
	}
	return h, nil
}

// stop ends the hub and the networks of its boards.
func (h *hub) stop() {
	for _, r := range h.relays {
		r.Close()
	}
	if h.client != nil {
		h.client.Close()
	}
	h.Stop()
}

// champion puts a bundle into the hub's registry and makes it the one that
// answers.
func (h *hub) champion(ctx context.Context, bundle string) error {
	file, err := os.Open(bundle)
	if err != nil {
		return fmt.Errorf("give the hub a model: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	model, err := h.client.Push(ctx, file, "of gourdianctl demo")
	if err == nil {
		_, err = h.client.Promote(ctx, model.Version, "the demo's model")
	}
	if err != nil {
		return fmt.Errorf("give the hub a model: %w", err)
	}
	return nil
}

// join makes a board a member, over a network of its own, and returns the
// number of the board.
func (h *hub) join(ctx context.Context, agent string, env []string, s *scenario) (device string, err error) {
	r := h.relays[s.place]
	if r == nil {
		if r, err = h.Relay(ctx, len(h.relays)); err != nil {
			return "", err
		}
		h.relays[s.place] = r
	}
	token, err := h.client.JoinToken(ctx, s.site, joinsAtMost)
	if err != nil {
		return "", fmt.Errorf("make a join token: %w", err)
	}
	return r.Join(ctx, agent, env, token, s.name)
}

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	// hubEnv begins the environment variables that configure a hub.
	hubEnv = "GOURDIAN_HUB_"
	// hubWithin is how long a hub may take to its set-up link; a busy machine is
	// slow.
	hubWithin = 2 * time.Minute
	// askEvery is how often it is looked for.
	askEvery = 200 * time.Millisecond
	// maxPage bounds what is read of a page, in bytes.
	maxPage = 4 << 20
	// Person is who sets a hub up.
	Person = "demo"
)

// HubOptions say where a hub is to be. The ports are free ones.
type HubOptions struct {
	Program string   // path of gourdian-hub
	Dir     string   // folder of data and log; the data are emptied
	Plain   int      // port of the console on this machine
	Listen  string   // host:port of console and API, encrypted
	Secure  string   // the same as it is reached here
	Broker  int      // port of the broker, on this machine only
	Env     []string // further settings, as GOURDIAN_HUB_…=…
}

// Hub is a running gourdian-hub that was set up as a person would.
type Hub struct {
	*Process
	Plain    string // address of the console on this machine
	Password string // of Person
	Token    string // for programs

	options HubOptions
	env     []string
}

// OpenHub starts a hub on an empty data folder and sets it up.
func OpenHub(ctx context.Context, o HubOptions) (*Hub, error) {
	data := filepath.Join(o.Dir, "hub")
	if err := errors.Join(os.RemoveAll(data), os.RemoveAll(data+".log")); err != nil {
		return nil, fmt.Errorf("empty the hub's folder: %w", err)
	}
	plain := fmt.Sprintf("127.0.0.1:%d", o.Plain)
	h := &Hub{Plain: "http://" + plain, options: o, env: append(Without(os.Environ(), hubEnv),
		hubEnv+"DATA="+data, hubEnv+"NAME=demo", hubEnv+"LISTEN="+o.Listen, hubEnv+"LISTEN_PLAIN="+plain, hubEnv+"LISTEN_MQTT="+local(o.Broker))}
	h.env = append(h.env, o.Env...)
	if err := h.Start(); err != nil {
		return nil, err
	}
	if err := h.setUp(ctx); err != nil {
		h.Stop()
		return nil, err
	}
	return h, nil
}

// Start starts the hub again that has ended.
func (h *Hub) Start() (err error) {
	h.Process, err = Start("the hub", h.options.Program, filepath.Join(h.options.Dir, "hub.log"), h.env)
	return err
}

// Relay opens a network for the n-th board.
func (h *Hub) Relay(ctx context.Context, n int) (*Relay, error) {
	return OpenRelay(ctx, 2+n, h.options.Secure, local(h.options.Broker))
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// setUp sets the hub up by the link that it prints.
func (h *Hub) setUp(ctx context.Context) error {
	link, err := h.link(ctx)
	if err != nil {
		return err
	}
	h.Password, h.Token, err = SetUp(ctx, h.Plain, link)
	return err
}

// SetUp opens a hub's set-up link as a person would, chooses a password and makes
// an API token. plain is the hub's address on this machine.
func SetUp(ctx context.Context, plain, link string) (password, token string, err error) {
	text := strings.ToLower(rand.Text())
	password = text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", "", fmt.Errorf("set the hub up: %w", err)
	}
	browser := &http.Client{Jar: jar, Transport: new(http.Transport), Timeout: hubWithin}
	defer browser.CloseIdleConnections()
	_, err = fill(ctx, browser, link, url.Values{"name": {Person}, "password": {password}, "again": {password}})
	if err != nil {
		return "", "", fmt.Errorf("set the hub up: %w", err)
	}
	page, err := fill(ctx, browser, plain+"/account/tokens", url.Values{"name": {"a program"}})
	found := regexp.MustCompile(`gdn_[A-Za-z0-9_-]+`).Find(page)
	if err == nil && found == nil {
		err = errors.New("the hub's page shows no API token")
	}
	if err != nil {
		return "", "", fmt.Errorf("set the hub up: %w", err)
	}
	return password, string(found), nil
}

// link waits for the hub's set-up link.
func (h *Hub) link(ctx context.Context) (string, error) {
	pattern := regexp.MustCompile(regexp.QuoteMeta(h.Plain) + `/link/\S+`)
	late := time.After(hubWithin)
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		said, err := os.ReadFile(h.Log)
		if err != nil {
			return "", fmt.Errorf("read the hub's log: %w", err)
		}
		if link := pattern.Find(said); link != nil {
			return string(link), nil
		}
		select {
		case <-ticker.C:
		case <-h.Ended:
			return "", h.Died()
		case <-late:
			return "", fmt.Errorf("the hub was not there after %s%s", hubWithin, h.Words())
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// fill sends a form as a browser would and returns the page that it leads to.
func fill(ctx context.Context, browser *http.Client, address string, form url.Values) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // only read
	page, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", request.URL.Path, answer.Status)
	}
	return page, err
}

// Join makes a board a member with a token, over a network of its own, and
// returns the number of the board. env configures the agent.
func (r *Relay) Join(ctx context.Context, agent string, env []string, token, name string) (device string, err error) {
	c := exec.CommandContext(ctx, agent, "join", "https://"+r.Hub, token, "--name", name)
	var out, complaint bytes.Buffer
	c.Env, c.Stdout, c.Stderr = env, &out, &complaint
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("let %s join: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	}
	found := regexp.MustCompile(`\(board ([^)\s]+)\)`).FindSubmatch(out.Bytes())
	if found == nil {
		return "", fmt.Errorf("let %s join: it says %q", name, out.String())
	}
	return string(found[1]), nil
}

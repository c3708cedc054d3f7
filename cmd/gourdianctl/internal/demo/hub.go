package demo

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
	"strconv"
	"strings"
	"time"

	ctl "gourdian/cmd/gourdianctl/internal/hub"
)

const (
	// hubEnv begins the environment variables that configure a hub.
	hubEnv = "GOURDIAN_HUB_"
	// Ports that are tried first.
	plainPort, securePort, brokerPort = 8480, 8443, 8883
	// hubWithin is how long a hub may take to its set-up link.
	hubWithin = time.Minute
	// person is who sets the hub up.
	person = "demo"
	// hubRequests is how many requests the demo has under way at once.
	hubRequests = 4
	// joinsAtMost is how many boards may join with the demo's token of a site.
	joinsAtMost = 20
)

// hub is a running gourdian-hub that the demo has set up.
type hub struct {
	*process
	plain    string // address of the console on this machine
	secure   string // host:port of the same, encrypted
	broker   string // host:port
	password string
	client   *ctl.Client
	relays   map[string]*relay // by the place of the board
}

// openHub starts a hub on an empty data folder and sets it up as a person would.
func (o *Options) openHub(ctx context.Context) (*hub, error) {
	data := filepath.Join(o.Dir, "hub")
	if err := os.RemoveAll(data); err != nil {
		return nil, fmt.Errorf("empty the hub's folder: %w", err)
	}
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
	local := func(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
	h := &hub{plain: "http://" + local(at[0]), secure: local(at[1]), broker: local(at[2]), relays: map[string]*relay{}}
	var err error
	h.process, err = startProcess("the hub", o.Hub, filepath.Join(o.Dir, "hub.log"), append(without(os.Environ(), hubEnv),
		hubEnv+"DATA="+data, hubEnv+"NAME=demo",
		hubEnv+"LISTEN=:"+strconv.Itoa(at[1]), hubEnv+"LISTEN_PLAIN="+local(at[0]), hubEnv+"LISTEN_MQTT="+h.broker))
	if err != nil {
		return nil, err
	}
	if err := h.setUp(ctx); err != nil {
		h.stop()
		return nil, err
	}
	// For whoever has lost sight of it; a new demo has a new one.
	login := fmt.Sprintf("%s\nname: %s\npassword: %s\n", h.plain, person, h.password)
	if err := os.WriteFile(filepath.Join(o.Dir, "login.txt"), []byte(login), 0o600); err != nil {
		h.stop()
		return nil, fmt.Errorf("keep the password: %w", err)
	}
	return h, nil
}

// stop ends the hub and the networks of its boards.
func (h *hub) stop() {
	for _, r := range h.relays {
		r.close()
	}
	if h.client != nil {
		h.client.Close()
	}
	h.process.stop()
}

// setUp opens the set-up link, chooses a password and makes an API token.
func (h *hub) setUp(ctx context.Context) error {
	link, err := h.link(ctx)
	if err != nil {
		return err
	}
	text := strings.ToLower(rand.Text())
	h.password = text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("set the hub up: %w", err)
	}
	browser := &http.Client{Jar: jar, Transport: new(http.Transport), Timeout: hubWithin}
	defer browser.CloseIdleConnections()
	_, err = fill(ctx, browser, link, url.Values{"name": {person}, "password": {h.password}, "again": {h.password}})
	if err != nil {
		return fmt.Errorf("set the hub up: %w", err)
	}
	page, err := fill(ctx, browser, h.plain+"/account/tokens", url.Values{"name": {"gourdianctl demo"}})
	token := regexp.MustCompile(`gdn_[A-Za-z0-9_-]+`).Find(page)
	if err == nil && token == nil {
		err = errors.New("the hub's page shows no API token")
	}
	if err != nil {
		return fmt.Errorf("set the hub up: %w", err)
	}
	h.client, err = ctl.New(h.plain, string(token), "", hubRequests)
	return err
}

// link waits for the hub's set-up link.
func (h *hub) link(ctx context.Context) (string, error) {
	pattern := regexp.MustCompile(regexp.QuoteMeta(h.plain) + `/link/\S+`)
	late := time.After(hubWithin)
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		said, err := os.ReadFile(h.log)
		if err != nil {
			return "", fmt.Errorf("read the hub's log: %w", err)
		}
		if link := pattern.Find(said); link != nil {
			return string(link), nil
		}
		select {
		case <-ticker.C:
		case <-h.ended:
			return "", h.died()
		case <-late:
			return "", fmt.Errorf("the hub was not there after %s%s", hubWithin, h.words())
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
	page, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", request.URL.Path, answer.Status)
	}
	return page, err
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
		if r, err = openRelay(ctx, 2+len(h.relays), h.secure, h.broker); err != nil {
			return "", err
		}
		h.relays[s.place] = r
	}
	token, err := h.client.JoinToken(ctx, s.site, joinsAtMost)
	if err != nil {
		return "", fmt.Errorf("make a join token: %w", err)
	}
	c := exec.CommandContext(ctx, agent, "join", "https://"+r.hub, token, "--name", s.name)
	var out, complaint bytes.Buffer
	c.Env, c.Stdout, c.Stderr = env, &out, &complaint
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("let %s join: %w: %s", s.name, err, strings.TrimSpace(complaint.String()))
	}
	found := regexp.MustCompile(`\(board ([^)\s]+)\)`).FindSubmatch(out.Bytes())
	if found == nil {
		return "", fmt.Errorf("let %s join: it says %q", s.name, out.String())
	}
	return string(found[1]), nil
}

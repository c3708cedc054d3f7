package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"gourdian/internal/e2e"
	"gourdian/scripts/bench/cputime"
)

// hub is the real hub with the bundle as its champion, and one client that sends
// the picture, has its verdict and sends it again.
type hub struct {
	*e2e.Hub
	client      *http.Client
	contentType string
	form        []byte
	tree        []int // the hub and its workers
}

// newHub starts a hub on an empty folder and gives it the model.
func newHub(ctx context.Context, dir string, o options, jpeg []byte) (*hub, error) {
	var ports [3]int
	for i := range ports {
		address, err := freePort()
		if err != nil {
			return nil, err
		}
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			ports[i], err = strconv.Atoi(port)
		}
		if err != nil {
			return nil, err
		}
	}
	secure := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[1]))
	running, err := e2e.OpenHub(ctx, e2e.HubOptions{
		Program: filepath.Join("bin", "gourdian-hub"), Dir: dir, Plain: ports[0], Listen: secure, Secure: secure, Broker: ports[2],
	})
	if err != nil {
		return nil, err
	}
	h := &hub{Hub: running, client: &http.Client{Transport: &http.Transport{}}}
	if err := h.prepare(ctx, o, jpeg); err != nil {
		h.Stop()
		return nil, err
	}
	return h, nil
}

// prepare makes the bundle the champion, and one answer sure.
func (h *hub) prepare(ctx context.Context, o options, jpeg []byte) error {
	for _, args := range [][]string{
		{"model", "push", o.model, "--hub", h.Plain},
		{"model", "promote", "1", "--hub", h.Plain, "--reason", "the only one"},
	} {
		c := exec.CommandContext(ctx, filepath.Join("bin", "gourdianctl"), args...)
		c.Env = append(os.Environ(), "GOURDIAN_TOKEN="+h.Token)
		if said, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", args[1], err, said)
		}
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("image", "picture.jpg")
	if err == nil {
		_, err = part.Write(jpeg)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	h.contentType, h.form = w.FormDataContentType(), form.Bytes()
	if err := h.answers(ctx); err != nil {
		return err
	}
	h.tree, err = cputime.Tree(h.PID())
	return err
}

// answers waits until the workers of the champion answer.
func (h *hub) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, boardPatience)
	defer cancel()
	poll := time.NewTicker(boardPolls)
	defer poll.Stop()
	for {
		err := h.predict(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return err
		}
	}
}

// predict asks once and reads the verdict.
func (h *hub) predict(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Plain+"/api/v1/predict", bytes.NewReader(h.form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", h.contentType)
	request.Header.Set("Authorization", "Bearer "+h.Token)
	answer, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var said struct{ Results []struct{ Verdict string } }
	if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &said) != nil || len(said.Results) != 1 || said.Results[0].Verdict == "" {
		return fmt.Errorf("predict: %s: %s", answer.Status, body)
	}
	return nil
}

// run asks for n verdicts, one after the other.
func (h *hub) run(ctx context.Context, n int) (w watched, err error) {
	before, err := cputime.Of(h.tree...)
	if err != nil {
		return w, err
	}
	for range n {
		begin := time.Now()
		if err := h.predict(ctx); err != nil {
			return w, err
		}
		w.times = append(w.times, time.Since(begin))
	}
	after, err := cputime.Of(h.tree...)
	w.cpu, w.records = after-before, n
	return w, err
}

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"gourdian/agent/internal/doctor"
)

// statusWait bounds how long a running agent is waited for.
const statusWait = 10 * time.Second

// statusLines is what Status prints of /api/v1/status.
type statusLines struct {
	Device  string `json:"device"`
	Version string `json:"version"`
	Model   *struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Variant string `json:"variant"`
		Trust   string `json:"trust"`
	} `json:"model"`
	Update *struct {
		Text string `json:"text"`
	} `json:"update"`
	Conditions []struct {
		Severity string `json:"severity"`
		Text     string `json:"text"`
	} `json:"conditions"`
}

// Status prints in a few lines how the agent of a config does that runs on this
// machine: its model, how a model from the hub does, and what is wrong.
func Status(ctx context.Context, config Config, out io.Writer) error {
	base, err := doctor.BaseOf(config.Listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, statusWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/status", nil)
	if err != nil {
		return fmt.Errorf("ask the agent: %w", err)
	}
	request.Close = true
	request.Header.Set("Accept-Language", "en")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the agent; is it running? %w", err)
	}
	var s statusLines
	err = json.NewDecoder(io.LimitReader(response.Body, 4<<20)).Decode(&s)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	return s.print(out, base)
}

func (s *statusLines) print(out io.Writer, base string) error {
	_, err := fmt.Fprintf(out, "board   %s, version %s, page %s\n", s.Device, s.Version, base)
	if m := s.Model; m == nil {
		_, more := fmt.Fprintln(out, "model   none is running")
		err = errors.Join(err, more)
	} else {
		by := map[string]string{"hub": "signed by the hub", "local": "local model"}[m.Trust]
		_, more := fmt.Fprintf(out, "model   %s (%.12s), %s, %s\n", m.Name, m.ID, m.Variant, by)
		err = errors.Join(err, more)
	}
	if s.Update != nil {
		_, more := fmt.Fprintf(out, "update  %s\n", s.Update.Text)
		err = errors.Join(err, more)
	}
	for _, c := range s.Conditions {
		_, more := fmt.Fprintf(out, "%-7s %s\n", c.Severity, c.Text)
		err = errors.Join(err, more)
	}
	return err
}

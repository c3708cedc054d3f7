package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"gourdian/agent/internal/live"
)

// longestStatusAnswer bounds what is read of an agent's status.
const longestStatusAnswer = 4 << 20

// status is what is read of GET /api/v1/status; docs/api.md says the units.
type status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Cameras []struct {
		ID       string  `json:"id"`
		Finished bool    `json:"finished"`
		W        int     `json:"width"`
		H        int     `json:"height"`
		FPS      float64 `json:"frames_per_second"`
		Frame    *struct {
			Seq uint64    `json:"seq"`
			At  time.Time `json:"at"`
		} `json:"frame"`
		LastSkip string `json:"last_skip"`
	} `json:"cameras"`
	Model *struct {
		Name    string `json:"name"`
		Variant string `json:"variant"`
		Tried   []struct {
			Name   string  `json:"name"`
			Millis float64 `json:"ms_p50"`
			Passes bool    `json:"passes_golden"`
		} `json:"variants_tried"`
		Provider    string  `json:"provider"`
		Asked       string  `json:"provider_asked"`
		Library     string  `json:"library"`
		TrainedOn   string  `json:"trained_on"`
		Images      int     `json:"training_images"`
		InferMillis float64 `json:"infer_ms"`
		WorkerNote  string  `json:"worker_note"`
	} `json:"model"`
	Conditions []struct {
		Code    string `json:"code"`
		Subject string `json:"subject"`
		Hint    string `json:"hint"`
	} `json:"conditions"`
	Store struct {
		PictureQuota int64 `json:"picture_quota_bytes"`
	} `json:"store"`
}

// Ask asks the agent that runs on this machine for its state, at the address of
// its page as the config has it, and returns where that page is.
func Ask(ctx context.Context, listen string) (base string, state live.State, err error) {
	if base, err = BaseOf(listen); err != nil {
		return "", live.State{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, pageWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/status", nil)
	if err != nil {
		return base, live.State{}, fmt.Errorf("ask the agent: %w", err)
	}
	request.Close = true
	request.Header.Set("Accept-Language", "en")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return base, live.State{}, fmt.Errorf("ask the agent: %w", err)
	}
	var s status
	err = json.NewDecoder(io.LimitReader(response.Body, longestStatusAnswer)).Decode(&s)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return base, live.State{}, fmt.Errorf("ask the agent: read its answer: %w", err)
	}
	return base, s.state(), nil
}

// BaseOf is the address of a page on this machine that listens as given.
func BaseOf(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("find the agent's page: %w", err)
	}
	if port == "0" {
		return "", errors.New("find the agent's page: the config lets it choose its port")
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// state gives the answer the form that the agent's own parts have.
func (s *status) state() live.State {
	state := live.State{Version: s.Version, Started: s.Started, Store: live.Store{PictureQuota: s.Store.PictureQuota}}
	for _, c := range s.Cameras {
		camera := live.Camera{ID: c.ID, Finished: c.Finished, W: c.W, H: c.H, FPS: c.FPS, LastSkip: c.LastSkip}
		if c.Frame != nil {
			camera.FrameSeq, camera.FrameAt = c.Frame.Seq, c.Frame.At
		}
		state.Cameras = append(state.Cameras, camera)
	}
	if m := s.Model; m != nil {
		state.Model = &live.Model{
			Name: m.Name, Variant: m.Variant, Provider: m.Provider, Asked: m.Asked, Library: m.Library,
			TrainedOn: m.TrainedOn, Images: m.Images, InferMillis: m.InferMillis, WorkerNote: m.WorkerNote,
		}
		for _, t := range m.Tried {
			state.Model.Tried = append(state.Model.Tried, live.VariantTime{Name: t.Name, Millis: t.Millis, Passes: t.Passes})
		}
	}
	for _, c := range s.Conditions {
		state.Conditions = append(state.Conditions, live.Condition{Code: c.Code, Subject: c.Subject, Args: map[string]string{"why": c.Hint}})
	}
	return state
}

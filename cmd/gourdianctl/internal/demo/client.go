package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gourdian/internal/wire"
)

const (
	// askEvery is how often a board is asked how it is.
	askEvery = 500 * time.Millisecond
	// answerWithin is how long it may take to say so; a busy machine is slow.
	answerWithin = 30 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 8 << 20
)

// status is what the demo reads of /api/v1/status.
type status struct {
	FieldNow time.Time `json:"field_now"`
	Cameras  []struct {
		Finished bool   `json:"finished"`
		Scored   uint64 `json:"scored"`
		Dropped  uint64 `json:"dropped"`
		Frame    *struct {
			Seq uint64 `json:"seq"`
		} `json:"frame"`
	} `json:"cameras"`
	Model *struct {
		Provider    string  `json:"provider"`
		Variant     string  `json:"variant"`
		InferMillis float64 `json:"infer_ms"`
	} `json:"model"`
	Conditions []struct {
		Code     string `json:"code"`
		Severity string `json:"severity"`
		Text     string `json:"text"`
		Hint     string `json:"hint"`
	} `json:"conditions"`
	Link *struct {
		Connected bool   `json:"connected"`
		Unsent    uint64 `json:"unsent"`
	} `json:"link"`
	Store struct {
		Records uint64 `json:"records"`
		LastSeq uint64 `json:"last_seq"`
		NotKept uint64 `json:"not_kept"`
	} `json:"store"`
}

// scored is how many frames the model has looked at.
func (s *status) scored() uint64 {
	if len(s.Cameras) == 0 {
		return 0
	}
	return s.Cameras[0].Scored
}

// closed says that the camera can't be opened: a file that is no video, a folder
// that is gone.
func (s *status) closed() bool {
	for _, c := range s.Conditions {
		if c.Code == "camera_missing" {
			return true
		}
	}
	return false
}

// done says that a folder has been looked through.
func (s *status) done() bool { return len(s.Cameras) > 0 && s.Cameras[0].Finished }

// frames is how many pictures have reached the board.
func (s *status) frames() uint64 {
	if len(s.Cameras) == 0 || s.Cameras[0].Frame == nil {
		return 0
	}
	return s.Cameras[0].Frame.Seq - min(s.Cameras[0].Dropped, s.Cameras[0].Frame.Seq)
}

// engine says what runs the model and how fast.
func (s *status) engine() string {
	if s.Model == nil {
		return "no model"
	}
	return fmt.Sprintf("%.1f ms a frame (%s, %s)", s.Model.InferMillis, s.Model.Variant, s.Model.Provider)
}

// complaints are the board's own words about what is not as it should be.
func (s *status) complaints() string {
	var text strings.Builder
	for _, c := range s.Conditions {
		if c.Severity != "info" {
			text.WriteString("\n  the board says: " + c.Text + " " + c.Hint)
		}
	}
	return text.String()
}

func (b *board) status(ctx context.Context) (*status, error) {
	var s status
	return &s, b.get(ctx, "/api/v1/status", &s)
}

// until asks how the board is until done says that it is as it should be.
func (b *board) until(ctx context.Context, within time.Duration, done func(*status) bool) (*status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("the board was not there after %s", within))
	defer cancel()
	last := new(status)
	for {
		s, err := b.status(ctx)
		if err == nil {
			if last = s; done(s) {
				return s, nil
			}
		}
		select {
		case <-b.Ended:
			return last, b.Died()
		case <-ctx.Done():
			return last, fmt.Errorf("%w%s%s", context.Cause(ctx), last.complaints(), b.Words())
		case <-time.After(askEvery):
		}
	}
}

// record is a record as the API gives it.
type record struct{ wire.Record }

// words are the verdict and how sure the board is.
func (r *record) words() string {
	if r.Reason != "" {
		return fmt.Sprintf("%s (%s)", r.Verdict, strings.ReplaceAll(string(r.Reason), "_", " "))
	}
	return fmt.Sprintf("%s %.0f %%", r.Verdict, 100*r.Probabilities[string(r.Verdict)])
}

// end is when the board last saw it.
func (r *record) end() time.Time {
	return r.CapturedAt.Add(time.Duration(r.Seconds * float64(time.Second)))
}

// recordsAfter returns the records with a larger number than seq, oldest first.
func (b *board) recordsAfter(ctx context.Context, seq uint64) ([]record, error) {
	var all []record
	for before := ""; ; {
		var page struct {
			Records []record `json:"records"`
			Next    *uint64  `json:"next"`
		}
		if err := b.get(ctx, "/api/v1/records?limit=500"+before, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			if r.Seq <= seq {
				page.Next = nil
				break
			}
			all = append(all, r)
		}
		if page.Next == nil {
			slices.Reverse(all)
			return all, nil
		}
		before = "&before=" + strconv.FormatUint(*page.Next, 10)
	}
}

// get asks the board; into may be nil where only an answer counts.
func (b *board) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return fmt.Errorf("ask the board: %w", err)
	}
	answer, err := b.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask the board: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the board for %s: %s", path, answer.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the board's answer to %s: %w", path, err)
	}
	return nil
}

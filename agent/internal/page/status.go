package page

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gourdian/agent/internal/live"
	"gourdian/internal/wire"
)

// The answer of /api/v1/status. It is a form of its own, so that the board's
// inside may change while programs keep reading; docs/api.md gives the units.
type statusAnswer struct {
	Device     string            `json:"device"`
	Version    string            `json:"version"`
	Revision   uint64            `json:"revision"`
	Started    time.Time         `json:"started"`
	FieldNow   *time.Time        `json:"field_now"`
	Clock      wire.Clock        `json:"clock"`
	Cameras    []cameraAnswer    `json:"cameras"`
	Model      *modelAnswer      `json:"model"`
	Update     *updateAnswer     `json:"update"`
	Conditions []conditionAnswer `json:"conditions"`
	Store      storeAnswer       `json:"store"`
	Link       *linkAnswer       `json:"link"`
	Profile    string            `json:"profile"`
	Heat       heatAnswer        `json:"heat"`
}

type heatAnswer struct {
	Celsius *float64 `json:"celsius"` // of the processor; null without a sensor that answers
	Rate    float64  `json:"rate"`    // share of the frames per second that is left
}

type cameraAnswer struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Source     string            `json:"source"`
	Finite     bool              `json:"finite"`
	Finished   bool              `json:"finished"`
	Width      int               `json:"width"`
	Height     int               `json:"height"`
	FPS        float64           `json:"frames_per_second"`
	Frame      *frameAnswer      `json:"frame"`
	Zones      []zoneAnswer      `json:"zones"`
	Scored     uint64            `json:"scored"`
	Dropped    uint64            `json:"dropped"`
	Skips      map[string]uint64 `json:"skips"`
	LastSkip   string            `json:"last_skip,omitempty"`
	WorkerNote string            `json:"worker_note,omitempty"`
}

type frameAnswer struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	FieldAt time.Time `json:"field_at"`
	Age     float64   `json:"age_seconds"`
	Stale   bool      `json:"stale"`
}

type zoneAnswer struct {
	Zone          string             `json:"zone"`
	Occupied      bool               `json:"occupied"`
	Since         *time.Time         `json:"since"`
	Frames        int                `json:"frames"`
	Verdict       wire.Verdict       `json:"verdict,omitempty"`
	Reason        wire.Reason        `json:"reason,omitempty"`
	Probabilities map[string]float64 `json:"probabilities"`
	Novelty       float64            `json:"novelty"`
}

type modelAnswer struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Task        string         `json:"task"`
	Classes     []classAnswer  `json:"classes"`
	Variant     string         `json:"variant"`
	VariantWhy  string         `json:"variant_why"`
	Tried       []triedAnswer  `json:"variants_tried"`
	Provider    string         `json:"provider"`
	Asked       string         `json:"provider_asked"`
	Missed      []missAnswer   `json:"providers_missed"`
	Operators   map[string]int `json:"provider_operators,omitempty"`
	Library     string         `json:"library"`
	TrainedOn   string         `json:"trained_on"`
	Images      int            `json:"training_images"`
	Trust       string         `json:"trust"`
	Preprocess  string         `json:"preprocess"`
	InferMillis float64        `json:"infer_ms"`
	Restarts    int            `json:"worker_restarts"`
	WorkerNote  string         `json:"worker_note,omitempty"`
	LoadedAt    time.Time      `json:"loaded_at"`
}

type triedAnswer struct {
	Name   string  `json:"name"`
	Millis float64 `json:"ms_p50"`
	Passes bool    `json:"passes_golden"`
}

type missAnswer struct {
	Provider string `json:"provider"`
	Why      string `json:"why"`
}

type classAnswer struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

type conditionAnswer struct {
	Code     string    `json:"code"`
	Severity string    `json:"severity"`
	Subject  string    `json:"subject"`
	Since    time.Time `json:"since"`
	Text     string    `json:"text"` // in the reader's language
	Hint     string    `json:"hint"` // what to do about it, in the same
}

type storeAnswer struct {
	Records      uint64 `json:"records"`
	LastSeq      uint64 `json:"last_seq"`
	Pictures     uint64 `json:"pictures"`
	PictureBytes int64  `json:"picture_bytes"`
	PictureQuota int64  `json:"picture_quota_bytes"`
	NotKept      uint64 `json:"not_kept"`
	Degraded     bool   `json:"degraded"`
}

func (s *Server) serveStatus(c *gin.Context) {
	state := s.opts.Board.State()
	answer := statusAnswer{
		Device: state.Device, Version: state.Version, Revision: state.Revision,
		Started: state.Started.UTC(), FieldNow: momentOrNull(state.FieldNow), Clock: state.Clock,
		Cameras: []cameraAnswer{}, Model: modelAnswerOf(state.Model), Update: updateAnswerOf(s.voice(c), state.Update),
		Conditions: s.conditionAnswers(c, s.conditions(state)),
		Store:      storeAnswer(state.Store), Link: linkAnswerOf(state.Link),
		Profile: state.Kind.Profile, Heat: heatAnswer{Rate: state.Heat.Rate},
	}
	if state.Heat.Known {
		answer.Heat.Celsius = &state.Heat.Celsius
	}
	now := time.Now()
	for i := range state.Cameras {
		answer.Cameras = append(answer.Cameras, cameraAnswerOf(&state.Cameras[i], now))
	}
	writeJSON(c, http.StatusOK, answer)
}

func cameraAnswerOf(camera *live.Camera, now time.Time) cameraAnswer {
	answer := cameraAnswer{
		ID: camera.ID, Name: camera.Name, Source: camera.Source, Finite: camera.Finite, Finished: camera.Finished,
		Width: camera.W, Height: camera.H, FPS: camera.FPS, Zones: []zoneAnswer{},
		Scored: camera.Scored, Dropped: camera.Dropped, Skips: camera.Skips,
		LastSkip: camera.LastSkip, WorkerNote: camera.WorkerNote,
	}
	if answer.Skips == nil {
		answer.Skips = map[string]uint64{}
	}
	if camera.FrameSeq > 0 {
		age := now.Sub(camera.FrameAt)
		answer.Frame = &frameAnswer{
			Seq: camera.FrameSeq, At: camera.FrameAt.UTC(), FieldAt: camera.FieldAt.UTC(),
			Age: age.Seconds(), Stale: age > live.StaleAfter,
		}
	}
	for i := range camera.Zones {
		zone := &camera.Zones[i]
		answer.Zones = append(answer.Zones, zoneAnswer{
			Zone: zone.Zone, Occupied: zone.Occupied, Since: momentOrNull(zone.Since), Frames: zone.Frames,
			Verdict: zone.Verdict, Reason: zone.Reason, Probabilities: zone.Probabilities, Novelty: zone.Novelty,
		})
	}
	return answer
}

func modelAnswerOf(m *live.Model) *modelAnswer {
	if m == nil {
		return nil
	}
	answer := &modelAnswer{
		ID: m.ID, Name: m.Name, Task: m.Task, Classes: []classAnswer{}, Variant: m.Variant, VariantWhy: m.VariantWhy, Tried: []triedAnswer{},
		Provider: m.Provider, Asked: m.Asked, Missed: []missAnswer{}, Operators: m.Operators, Library: m.Library, TrainedOn: m.TrainedOn, Images: m.Images,
		Trust: m.Trust, Preprocess: m.Preprocess, InferMillis: m.InferMillis, Restarts: m.Restarts,
		WorkerNote: m.WorkerNote, LoadedAt: m.LoadedAt.UTC(),
	}
	for _, miss := range m.Missed {
		answer.Missed = append(answer.Missed, missAnswer(miss))
	}
	for _, t := range m.Tried {
		answer.Tried = append(answer.Tried, triedAnswer(t))
	}
	for _, class := range m.Classes {
		answer.Classes = append(answer.Classes, classAnswer(class))
	}
	return answer
}

func (s *Server) conditionAnswers(c *gin.Context, conditions []live.Condition) []conditionAnswer {
	v := s.voice(c)
	answers := []conditionAnswer{}
	for _, condition := range conditions {
		answers = append(answers, conditionAnswer{
			Code: condition.Code, Severity: severityName(condition.Severity), Subject: condition.Subject,
			Since: condition.Since.UTC(), Text: v.condition(condition), Hint: v.remedy(condition),
		})
	}
	return answers
}

// momentOrNull is null in JSON for a moment that has not come.
func momentOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

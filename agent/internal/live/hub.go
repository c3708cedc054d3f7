package live

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gourdian/agent/internal/settings"
	"gourdian/internal/wire"
)

// StaleAfter is the age at which a picture is no longer live. It is three
// times the slowest interval that settings allow (0.2 frames per second).
const StaleAfter = 15 * time.Second

// Hub holds the newest state of the board: the stages write it, the page reads
// it. Readers get copies; nobody waits for a reader.
type Hub struct {
	mu      sync.Mutex
	state   State            // guarded by mu
	frames  map[string]frame // newest picture by camera id, guarded by mu
	changed chan struct{}    // closed and replaced at every change, guarded by mu
}

// frame is the newest picture of one camera. Its bytes are never written again.
type frame struct {
	jpeg []byte
	at   time.Time
	seq  uint64
}

// NewHub returns the Hub of a board that starts now.
func NewHub(version, device string) *Hub {
	return &Hub{
		state:   State{Version: version, Device: device, Started: time.Now(), Clock: wire.ClockUnknown, Heat: Heat{Rate: 1}},
		frames:  map[string]frame{},
		changed: make(chan struct{}),
	}
}

// State returns a copy of what the board is doing.
func (h *Hub) State() State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.copyLocked()
}

// Wait blocks until the state is newer than revision and returns it, or
// ctx.Err(). A reader that falls behind skips what lies between.
func (h *Hub) Wait(ctx context.Context, revision uint64) (State, error) {
	for {
		h.mu.Lock()
		if h.state.Revision > revision {
			defer h.mu.Unlock()
			return h.copyLocked(), nil
		}
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return State{}, ctx.Err()
		}
	}
}

// Frame returns the newest picture of a camera, the wall clock at which it was
// taken and its sequence number; ok is false while there is none. The caller
// must not write to jpeg.
func (h *Hub) Frame(camera string) (jpeg []byte, at time.Time, seq uint64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.frames[camera]
	return f.jpeg, f.at, f.seq, ok
}

// SetFrame makes jpeg the newest picture of a camera and lets edit, nil for
// nothing, change what is said of it in the same step: nobody sees a picture
// with the verdict of another. The Hub keeps jpeg: the caller must not write to
// it again. edit must not keep the pointer.
func (h *Hub) SetFrame(camera string, jpeg []byte, at, field time.Time, seq uint64, edit func(*Camera)) {
	h.change(func(s *State) {
		h.frames[camera] = frame{jpeg: jpeg, at: at, seq: seq}
		c := cameraOf(s, camera)
		c.FrameSeq, c.FrameAt, c.FieldAt = seq, at, field
		if field.After(s.FieldNow) {
			s.FieldNow = field
		}
		if edit != nil {
			edit(c)
		}
	})
}

// UpdateCamera lets edit change one camera's state, which is added when it is
// new. edit must not keep the pointer.
func (h *Hub) UpdateCamera(camera string, edit func(*Camera)) {
	h.change(func(s *State) { edit(cameraOf(s, camera)) })
}

// SetModel says what the board runs; nil while no model is ready.
func (h *Hub) SetModel(m *Model) {
	h.change(func(s *State) { s.Model = cloneModel(m) })
}

// UpdateModel lets edit change the model's state; nothing happens without one.
func (h *Hub) UpdateModel(edit func(*Model)) {
	h.change(func(s *State) {
		if s.Model != nil {
			edit(s.Model)
		}
	})
}

// SetStore says what is kept.
func (h *Hub) SetStore(store Store) {
	h.change(func(s *State) { s.Store = store })
}

// SetHeat says how warm the board is.
func (h *Hub) SetHeat(heat Heat) {
	h.change(func(s *State) { s.Heat = heat })
}

// SetKind says which profile the board runs with.
func (h *Hub) SetKind(kind Kind) {
	h.change(func(s *State) { s.Kind = kind })
}

// SetSettings shows the settings now in force.
func (h *Hub) SetSettings(v settings.Settings) {
	h.change(func(s *State) { s.Settings = v.Clone() })
}

// SetClock says how far the board's time can be trusted.
func (h *Hub) SetClock(c wire.Clock) {
	h.change(func(s *State) { s.Clock = c })
}

// Raise makes a condition visible. Raising the same code and subject again
// keeps the moment since when it holds and replaces severity and arguments.
func (h *Hub) Raise(c Condition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.Args = maps.Clone(c.Args)
	i := slices.IndexFunc(h.state.Conditions, func(old Condition) bool {
		return old.Code == c.Code && old.Subject == c.Subject
	})
	if i >= 0 {
		old := &h.state.Conditions[i]
		if old.Severity == c.Severity && maps.Equal(old.Args, c.Args) {
			return
		}
		old.Severity, old.Args = c.Severity, c.Args
	} else {
		if c.Since.IsZero() {
			c.Since = time.Now()
		}
		h.state.Conditions = append(h.state.Conditions, c)
	}
	slices.SortStableFunc(h.state.Conditions, func(a, b Condition) int { return cmp.Compare(b.Severity, a.Severity) })
	h.changedLocked()
}

// Clear takes a condition away; nothing happens when it does not hold.
func (h *Hub) Clear(code, subject string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.state.Conditions)
	h.state.Conditions = slices.DeleteFunc(h.state.Conditions, func(c Condition) bool {
		return c.Code == code && c.Subject == subject
	})
	if len(h.state.Conditions) != n {
		h.changedLocked()
	}
}

func (h *Hub) change(edit func(*State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	edit(&h.state)
	h.changedLocked()
}

func (h *Hub) changedLocked() {
	h.state.Revision++
	close(h.changed)
	h.changed = make(chan struct{})
}

// copyLocked copies everything that a stage could still write to.
func (h *Hub) copyLocked() State {
	s := h.state
	s.Cameras = slices.Clone(s.Cameras)
	for i := range s.Cameras {
		c := &s.Cameras[i]
		c.Skips = maps.Clone(c.Skips)
		c.Zones = slices.Clone(c.Zones)
		for j := range c.Zones {
			c.Zones[j].Probabilities = maps.Clone(c.Zones[j].Probabilities)
		}
	}
	s.Model = cloneModel(s.Model)
	s.Conditions = slices.Clone(s.Conditions)
	for i := range s.Conditions {
		s.Conditions[i].Args = maps.Clone(s.Conditions[i].Args)
	}
	s.Settings = s.Settings.Clone()
	if s.Link != nil {
		link := *s.Link
		s.Link = &link
	}
	return s
}

func cloneModel(m *Model) *Model {
	if m == nil {
		return nil
	}
	c := *m
	c.Classes = slices.Clone(m.Classes)
	c.Tried = slices.Clone(m.Tried)
	c.Missed = slices.Clone(m.Missed)
	c.Operators = maps.Clone(m.Operators)
	for i := range c.Classes {
		c.Classes[i].Labels = maps.Clone(c.Classes[i].Labels)
	}
	return &c
}

func cameraOf(s *State, id string) *Camera {
	i := slices.IndexFunc(s.Cameras, func(c Camera) bool { return c.ID == id })
	if i < 0 {
		s.Cameras = append(s.Cameras, Camera{ID: id, Name: id})
		i = len(s.Cameras) - 1
	}
	return &s.Cameras[i]
}

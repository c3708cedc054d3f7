package uplink

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/wire"
)

// saidState is what the hub was told last of the board.
type saidState struct {
	at     time.Time // zero = nothing yet
	looked time.Time
	digest [sha256.Size]byte // of what is worth a message when it changes
}

// tellState says how the board is: at once, when something changes and every
// StateEvery.
func (s *session) tellState(now time.Time) error {
	first, due := s.said.at.IsZero(), now.Sub(s.said.at) >= wire.StateEvery
	if !first && !due && now.Sub(s.said.looked) < s.u.timing.change {
		return nil
	}
	s.said.looked = now
	state, err := s.u.state(now)
	if err != nil {
		return err
	}
	digest, err := digestOf(state)
	if err != nil {
		return err
	}
	if !first && !due && digest == s.said.digest {
		return nil
	}
	if _, err := s.publish(wire.TopicState, 0, state); err != nil {
		return err
	}
	s.said.at, s.said.digest = now, digest
	return nil
}

// digestOf leaves out what changes all the time.
func digestOf(s wire.State) ([sha256.Size]byte, error) {
	s.At, s.LastSeq, s.Unsent, s.Store, s.BytesUp, s.BytesDown = time.Time{}, 0, 0, wire.StoreState{}, 0, 0
	s.Board.Temperature, s.Board.FreeDisk, s.Board.Memory = 0, 0, 0
	if s.Model != nil {
		model := *s.Model
		model.InferMillis = 0
		s.Model = &model
	}
	if s.Update != nil { // of a download, every tenth
		update := *s.Update
		update.At, update.DoneBytes, update.Shadow = time.Time{}, 10*update.DoneBytes/max(update.TotalBytes, 1), nil
		s.Update = &update
	}
	cameras := make([]wire.CameraState, len(s.Cameras))
	for i, c := range s.Cameras {
		cameras[i] = wire.CameraState{ID: c.ID, Name: c.Name, Source: c.Source}
	}
	s.Cameras = cameras
	conditions := make([]wire.ConditionState, len(s.Conditions))
	for i, c := range s.Conditions {
		c.Args = nil // counts and times
		conditions[i] = c
	}
	s.Conditions = conditions
	data, err := json.Marshal(s)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("write state: %w", err)
	}
	return sha256.Sum256(data), nil
}

// state is how the board is, within the limits of the contract.
func (u *Uplink) state(now time.Time) (wire.State, error) {
	b := u.config.Board.State()
	usage := u.config.Outbox.Usage()
	set, err := toMap(b.Settings)
	if err != nil {
		return wire.State{}, err
	}
	s := wire.State{
		Contract: wire.Contract, Online: true, Boot: u.config.Boot, At: now.UTC(), Started: b.Started.UTC(), Clock: b.Clock,
		Epoch: u.config.Epoch, LastSeq: usage.LastSeq, Unsent: u.unsent(usage.LastSeq),
		Versions: wire.Versions{Agent: wire.Text(u.config.Version, 100)},
		Board:    u.machine(),
		Cameras:  camerasOf(b), Conditions: conditionsOf(b.Conditions),
		Store: wire.StoreState{
			Records: usage.Records, Pictures: usage.Pictures, PictureBytes: usage.PictureBytes,
			PictureQuota: usage.PictureQuota, NotKept: usage.NotKept,
		},
		Settings: set, Desired: u.memory.Desired, Update: u.updateState(), BytesUp: u.up.Load(), BytesDown: u.down.Load(),
	}
	if m := b.Model; m != nil {
		s.Versions.OnnxRuntime, s.Versions.Preprocess = wire.Text(m.Library, 100), wire.Text(m.Preprocess, 100)
		s.Model = &wire.ModelState{
			Bundle: m.ID, Name: wire.Text(m.Name, wire.MaxName), Variant: m.Variant, Provider: wire.Text(m.Provider, wire.MaxName),
			InferMillis: m.InferMillis, TrainedOn: wire.Text(m.TrainedOn, wire.MaxName),
		}
	}
	return s, nil
}

// machine is as far as the machine says it.
func (u *Uplink) machine() wire.BoardState {
	b := wire.BoardState{Arch: u.config.Arch, Profile: wire.Text(u.config.Profile, wire.MaxName), Temperature: u.config.Machine.Temperature()}
	if free, err := u.config.Machine.FreeDisk(); err == nil {
		b.FreeDisk = free
	}
	if memory, err := u.config.Machine.ResidentMemory(); err == nil {
		b.Memory = memory
	}
	return b
}

func camerasOf(b live.State) []wire.CameraState {
	names := map[string]string{}
	for i := range b.Settings.Cameras {
		names[b.Settings.Cameras[i].ID] = b.Settings.Cameras[i].Name
	}
	cameras := []wire.CameraState{}
	for i := range b.Cameras[:min(len(b.Cameras), wire.MaxCameras)] {
		c := &b.Cameras[i]
		state := wire.CameraState{
			ID: c.ID, Name: wire.Text(c.Name, wire.MaxName), Source: wire.Text(c.Source, wire.MaxName),
			FPS: c.FPS, Scored: c.Scored, Dropped: c.Dropped,
		}
		if name := names[c.ID]; name != "" {
			state.Name = wire.Text(name, wire.MaxName)
		}
		if c.FrameSeq > 0 {
			at := c.FrameAt.UTC()
			state.FrameAt = &at
		}
		cameras = append(cameras, state)
	}
	return cameras
}

func conditionsOf(all []live.Condition) []wire.ConditionState {
	states := []wire.ConditionState{}
	for _, c := range all[:min(len(all), wire.MaxConditions)] {
		state := wire.ConditionState{Code: c.Code, Severity: "info", Subject: c.Subject, Args: map[string]string{}, Since: c.Since.UTC()}
		switch c.Severity {
		case live.Warning:
			state.Severity = "warning"
		case live.Serious:
			state.Severity = "serious"
		}
		for name, value := range c.Args {
			state.Args[name] = wire.Text(value, wire.MaxText)
		}
		states = append(states, state)
	}
	return states
}

package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/agent/internal/sampling"
	"gourdian/internal/wire"
)

// Errors that end a connection from this side.
var (
	errMember  = errors.New("the membership is another one")
	errSilent  = errors.New("the hub does not acknowledge")
	errRefused = errors.New("the hub lost a message")
	errBroken  = errors.New("the connection broke")
)

// session is what belongs to one connection.
type session struct {
	*connection
	u         *Uplink
	said      saidState
	summaries summaryPass
	logs      logPass
}

// serve connects and serves the connection until it ends, ctx is done or there
// is another membership.
func (u *Uplink) serve(ctx context.Context) error {
	c, err := u.connect(ctx)
	if err != nil {
		return err
	}
	defer c.end()
	u.setConnected(true)
	u.outbox.restart()
	u.samples.restart()
	s := &session{connection: c, u: u}
	u.config.Log.Info("connected to the hub", "broker", u.member.Broker, "unsent", u.config.Outbox.Usage().LastSeq-u.outbox.acked)
	err = s.run(ctx)
	u.reached = time.Now()
	if ctx.Err() != nil || errors.Is(err, errMember) {
		// A last will is for connections that break.
		if _, err := s.publish(wire.TopicState, 0, wire.State{Contract: wire.Contract, Boot: u.config.Boot}); err != nil {
			u.config.Log.Warn("saying goodbye", "error", err)
		}
	}
	return err
}

// run is the conversation.
func (s *session) run(ctx context.Context) error {
	ticker := time.NewTicker(s.u.timing.look)
	defer ticker.Stop()
	if err := s.step(ctx); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err = <-s.lost:
			if err == nil {
				err = errors.New("connection closed")
			}
			return fmt.Errorf("connection lost: %w", err)
		case m := <-s.inbox:
			s.listen(ctx, m)
			// An acknowledgement makes room for the next batch, and for a piece of a
			// picture behind it.
			if err = s.send(ctx); err == nil {
				s.tellPictures(ctx)
			}
		case ask := <-s.u.asks():
			_, err = s.publish(wire.TopicAsk, 0, ask)
		case <-done(s.summaries.token):
			err = s.summaries.step(ctx, s)
		case <-done(s.logs.token):
			err = s.logs.step(s)
		case <-ticker.C:
			err = s.step(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// done is ready when a token is; never without one.
func done(token mqtt.Token) <-chan struct{} {
	if token == nil {
		return nil
	}
	return token.Done()
}

// step does what time brings.
func (s *session) step(ctx context.Context) error {
	if s.u.changed() {
		return errMember
	}
	now := time.Now()
	if expired, giveUp := s.u.outbox.expired(now); giveUp {
		s.u.fit.refused(true)
		return errSilent
	} else if expired {
		s.u.config.Log.Warn("no acknowledgement in time, sending again", "above", s.u.outbox.acked)
	}
	if now.Sub(s.u.keptAt) >= s.u.timing.persist {
		s.u.persist(ctx)
	}
	err := errors.Join(s.tellState(now), s.send(ctx), s.summaries.step(ctx, s), s.logs.step(s))
	s.tellPictures(ctx)
	s.u.show()
	return err
}

// send puts records on their way while there are some and the window is open.
func (s *session) send(ctx context.Context) error {
	u := s.u
	for {
		now := time.Now()
		after, ok := u.outbox.next(now, u.config.Outbox.Usage().LastSeq)
		if !ok {
			return nil
		}
		letters, err := u.config.Outbox.Outbox(ctx, after, wire.MaxBatchRecords, u.outbox.size)
		if err != nil {
			return err
		}
		if len(letters.Records) == 0 {
			return nil
		}
		_, err = s.publish(wire.TopicRecords, 1, wire.Batch{
			Contract: wire.Contract, Epoch: u.config.Epoch, First: letters.First, Oldest: letters.Oldest, Records: letters.Records,
		})
		if err != nil {
			return err
		}
		u.outbox.took(letters.First+uint64(len(letters.Records))-1, now)
	}
}

// listen takes what the hub said. What makes no sense is logged and left.
func (s *session) listen(ctx context.Context, m message) {
	s.u.fit.heard(m)
	var err error
	switch m.name {
	case wire.TopicAck:
		err = s.u.heardAck(ctx, m.payload)
	case wire.TopicWant:
		err = s.heardWant(ctx, m.payload)
	case wire.TopicChunk:
		err = s.u.heardChunk(m.payload)
	case wire.TopicDesired:
		if err = s.u.heardDesired(ctx, m.payload); err == nil {
			s.said.at = time.Time{} // the answer is the next state
		}
	}
	if err != nil && ctx.Err() == nil {
		s.u.config.Log.Warn("what the hub said makes no sense here", "topic", m.name, "error", err)
	}
}

// heardAck takes an acknowledgement.
func (u *Uplink) heardAck(ctx context.Context, payload []byte) error {
	ack, err := wire.DecodeAck(payload)
	if err != nil {
		return err
	}
	if ack.Epoch != u.config.Epoch {
		return fmt.Errorf("an acknowledgement for the epoch %s, this one is %s", ack.Epoch, u.config.Epoch)
	}
	if newest := u.config.Outbox.Usage().LastSeq; ack.Through > newest {
		return fmt.Errorf("an acknowledgement through %d, the newest record is %d", ack.Through, newest)
	}
	now := time.Now()
	if ack.Through < u.outbox.acked {
		u.config.Log.Warn("the hub went back, sending again", "had", u.outbox.acked, "has", ack.Through)
	}
	back := ack.Through < u.outbox.acked
	retry := false
	for _, r := range ack.Rejected {
		retry = retry || r.Do == wire.Retry
		u.config.Log.Warn("the hub rejects a record", "seq", r.Seq, "reason", wire.Text(r.Reason, wire.MaxText), "do", string(r.Do))
	}
	u.fit.acked(ack.Through > u.outbox.acked, retry)
	u.outbox.ack(ack.Through, retry, now)
	u.status.LastAck = now
	if back || len(ack.Rejected) > 0 {
		// At once: what the hub lost must not be taken away to make room.
		u.keepAcked(ctx, ack.Rejected)
	}
	return nil
}

// persist brings the acknowledged number to disk, if it moved.
func (u *Uplink) persist(ctx context.Context) {
	if u.persisted != u.outbox.acked {
		u.keepAcked(ctx, nil)
	}
}

// keepAcked may fail without harm: the hub is sent twice what it has.
func (u *Uplink) keepAcked(ctx context.Context, rejected []wire.Rejection) {
	if ctx.Err() != nil {
		return // the store ends with the same context
	}
	through := u.outbox.acked
	u.keptAt = time.Now()
	if err := u.config.Outbox.Acknowledge(ctx, through, rejected); err != nil {
		u.config.Log.Warn("the acknowledgement could not be kept", "error", err)
		return
	}
	u.persisted = through
}

// memory is what outlives a restart.
type memory struct {
	Hub     string            `json:"hub"` // hash of the CA of the hub that the rest is about
	Told    time.Time         `json:"told"`
	Seq     uint64            `json:"seq"` // summaries up to the hour Told and this record are with the hub
	Desired wire.DesiredState `json:"desired"`
	Photos  sampling.Spent    `json:"photos"` // pictures that were sent today
}

func (u *Uplink) recall(ctx context.Context) error {
	data, err := u.config.Memory.LoadLink(ctx)
	if err != nil || data == nil {
		return err
	}
	if err := json.Unmarshal(data, &u.memory); err != nil {
		u.config.Log.Warn("what the link remembered can't be read", "error", err)
		u.memory = memory{}
	}
	return nil
}

func (u *Uplink) remember(ctx context.Context) error {
	data, err := json.Marshal(u.memory)
	if err != nil {
		return fmt.Errorf("write link: %w", err)
	}
	return u.config.Memory.SaveLink(ctx, data)
}

// belongTo begins anew where the hub is another one: it has nothing of what the
// last one had.
func (u *Uplink) belongTo(ctx context.Context, hub string) error {
	if u.memory.Hub == hub {
		return nil
	}
	if err := u.config.Outbox.Acknowledge(ctx, 0, nil); err != nil {
		return err
	}
	if err := u.config.Shelf.ChooseAgain(ctx); err != nil {
		return err
	}
	u.outbox, u.persisted, u.samples, u.fit = newSender(0, u.timing.ackTimeout), 0, samples{}, fit{}
	u.memory = memory{Hub: hub, Photos: u.memory.Photos}
	return u.remember(ctx)
}

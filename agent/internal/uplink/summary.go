package uplink

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"gourdian/internal/wire"
)

const (
	// mostEmptyHours bounds the hours of which is told that nothing came: a month.
	mostEmptyHours = 31 * 24
	// rememberEvery is after how many summaries their progress is kept.
	rememberEvery = 24
	// spread is how much later than the full hour a board may begin.
	spread = 2 * time.Minute
)

// summaryPass tells the hub the hours that it does not know, one by one.
type summaryPass struct {
	queue []wire.Summary // the hours to tell, those that changed later first
	seq   uint64         // newest record when the pass began
	next  time.Time      // when to look again
	told  int
	onWay // the summary

	looked, lookedField time.Time // wall and field clock of the last look
}

// step goes on as far as it can without waiting.
func (p *summaryPass) step(ctx context.Context, s *session) error {
	if p.token != nil {
		if there, err := p.there(s.u.timing.ackTimeout); !there {
			return err
		}
		if err := p.arrived(ctx, s.u); err != nil {
			return err
		}
	}
	if now := time.Now(); len(p.queue) == 0 && !now.Before(p.next) {
		if err := p.begin(ctx, s.u, now); err != nil {
			return err
		}
	}
	if len(p.queue) == 0 {
		return nil
	}
	var err error
	p.since = time.Now()
	p.token, err = s.publish(wire.TopicSummary, 1, p.queue[0])
	return err
}

// onWay is a message that the hub has not taken yet.
type onWay struct {
	token mqtt.Token // nil = there is none
	since time.Time
}

// there reports whether the hub has the message, and forgets it then. It is an
// error when the hub withholds for too long what says so: only another
// connection sends it again.
func (w *onWay) there(most time.Duration) (bool, error) {
	select {
	case <-w.token.Done():
	default:
		if time.Since(w.since) < 2*most {
			return false, nil
		}
		return false, errRefused
	}
	if w.token.Error() != nil {
		return false, errRefused
	}
	w.token = nil
	return true, nil
}

// arrived takes the head of the queue off: the broker has it, and refuses what
// the hub can't keep.
func (p *summaryPass) arrived(ctx context.Context, u *Uplink) error {
	hour := p.queue[0].Hour
	p.queue = p.queue[1:]
	last := len(p.queue) == 0
	if hour.After(u.memory.Told) {
		u.memory.Told, u.memory.Seq = hour, p.seq // the hours up to it were told as the record Seq left them
	} else if last {
		u.memory.Seq = p.seq
	}
	p.told++
	if !last && p.told%rememberEvery != 0 {
		return nil
	}
	return u.remember(ctx)
}

// begin gathers the hours before this one.
func (p *summaryPass) begin(ctx context.Context, u *Uplink, now time.Time) error {
	p.next = now.Add(time.Hour - now.Sub(now.Truncate(time.Hour)) + rand.N(spread))
	state := u.config.Board.State()
	if state.Clock == wire.ClockUnknown {
		p.next = now.Add(time.Minute) // an hour of nobody's
		return nil
	}
	field := now
	if !state.FieldNow.IsZero() {
		field = state.FieldNow
	}
	p.pace(now, field)
	current := field.UTC().Truncate(time.Hour)
	p.seq = u.config.Outbox.Usage().LastSeq
	counted, err := u.config.Hours.Hours(ctx, u.memory.Told, u.memory.Seq, current)
	if err != nil {
		return err
	}
	none := map[string]wire.Counts{}
	for i := range state.Cameras {
		none[state.Cameras[i].ID] = wire.Counts{}
	}
	hour := func(at time.Time, cameras map[string]wire.Counts, sketches []wire.CameraSketch) {
		all := maps.Clone(none)
		maps.Copy(all, cameras)
		p.queue = append(p.queue, wire.Summary{
			Contract: wire.Contract, Epoch: u.config.Epoch, Hour: at, Cameras: all, NotKept: u.config.Outbox.Usage().NotKept, Sketches: sketches,
		})
	}
	empty := u.firstEmpty(current)
	for _, h := range counted {
		for ; empty.Before(h.At); empty = empty.Add(time.Hour) {
			hour(empty, nil, nil)
		}
		hour(h.At, h.Cameras, h.Sketches)
		if !h.At.Before(empty) {
			empty = h.At.Add(time.Hour)
		}
	}
	for ; empty.Before(current); empty = empty.Add(time.Hour) {
		hour(empty, nil, nil)
	}
	return nil
}

// measureFor is how long after its first look a pass looks again, to see whether
// the field clock keeps the pace of the wall's.
const measureFor = 10 * time.Second

// pace brings the next look forward where a rendered field's clock runs faster
// than the wall's: an hour of it is over in seconds.
func (p *summaryPass) pace(now, field time.Time) {
	wall, passed := now.Sub(p.looked), field.Sub(p.lookedField)
	switch first := p.looked.IsZero(); {
	case first, passed < 0: // the first picture has come, or the clock was set
		p.next = earlier(p.next, now.Add(measureFor))
	case wall > 0 && passed > 2*wall:
		left := field.Truncate(time.Hour).Add(time.Hour).Sub(field)
		p.next = earlier(p.next, now.Add(time.Second+time.Duration(float64(left)*float64(wall)/float64(passed))))
	}
	p.looked, p.lookedField = now, field
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// firstEmpty is the first hour of which it is worth telling that nothing came.
func (u *Uplink) firstEmpty(current time.Time) time.Time {
	first := u.memory.Told.Add(time.Hour)
	if u.memory.Told.IsZero() {
		return current.Add(-time.Hour) // before that, nobody was there to expect anything
	}
	if oldest := current.Add(-mostEmptyHours * time.Hour); first.Before(oldest) {
		return oldest
	}
	return first
}

package service

import (
	"context"
	"sync/atomic"
	"time"
)

// pulse is when a part last showed that it lives.
type pulse struct {
	last atomic.Pointer[time.Time] // nil while the part does not run
}

func (p *pulse) beat() {
	now := time.Now() // with its monotonic part: a clock that is set is no silence
	p.last.Store(&now)
}

// silent reports whether the part runs and was not heard for longer than limit.
func (p *pulse) silent(limit time.Duration) bool {
	last := p.last.Load()
	return last != nil && time.Since(*last) > limit
}

type pulseKey struct{}

// Beat is called by a part with Beats, with the context that its Run was given,
// each time it has come round its loop. Elsewhere it does nothing, so that a
// part runs without a group as well.
func Beat(ctx context.Context) {
	if p, ok := ctx.Value(pulseKey{}).(*pulse); ok {
		p.beat()
	}
}

// Stalled names the parts with Beats that run and have not beaten for longer
// than limit. A part that failed and waits for its restart is not among them:
// the group looks after that one.
func (g *Group) Stalled(limit time.Duration) []string {
	var names []string
	for _, part := range g.parts {
		if part.pulse != nil && part.pulse.silent(limit) {
			names = append(names, part.Name)
		}
	}
	return names
}

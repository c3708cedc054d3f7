package doctor

import (
	"context"
	"sync"
)

// Desk examines the board whose agent it is a part of, when it is asked to, one
// time after the other. It keeps the newest report in memory. Its methods may
// be called from any goroutine.
type Desk struct {
	board *Board
	asked chan struct{} // holds a token while a run is asked for

	mu    sync.Mutex
	state DeskState // guarded by mu
}

// DeskState is how far the Desk is.
type DeskState struct {
	Report      *Report // the newest one, nil before the first; it does not change
	Running     bool    // a run is asked for or under way
	Done, Total int     // checks of the run that is under way
	Check       string  // the one it is at, "" = none yet
	Subject     string  // of that check
}

// NewDesk returns a Desk that Run will let work. The board's agent is running,
// so its Live must be set.
func NewDesk(b *Board) *Desk { return &Desk{board: b, asked: make(chan struct{}, 1)} }

// Start asks for a run and reports whether it was this call that did.
func (d *Desk) Start() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state.Running {
		return false
	}
	d.state.Running, d.state.Done, d.state.Total, d.state.Check, d.state.Subject = true, 0, 0, "", ""
	d.asked <- struct{}{} // there is room: Running was false
	return true
}

// State returns how far it is.
func (d *Desk) State() DeskState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Run works until ctx is done.
func (d *Desk) Run(ctx context.Context) error {
	for {
		select {
		case <-d.asked:
		case <-ctx.Done():
			return nil
		}
		report, err := Examine(ctx, d.board, Watch{Begin: d.note})
		if err != nil {
			return nil // ctx is done
		}
		d.mu.Lock()
		d.state = DeskState{Report: &report}
		d.mu.Unlock()
	}
}

func (d *Desk) note(done, total int, next Check) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Done, d.state.Total, d.state.Check, d.state.Subject = done, total, next.ID, next.Subject
}

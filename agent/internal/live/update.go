package live

import "gourdian/internal/wire"

// Update is how the board does with models of its hub.
type Update struct {
	State    wire.UpdateState // of the newest one that the hub wants; Stage "" = there was none
	Current  string           // bundle id of the hub's model that serves, "" = the board's own does
	Previous string           // what can be gone back to, "" = the board's own
	Soaking  bool             // Current is under watch
}

// SetUpdate says how the board does with models of its hub.
func (h *Hub) SetUpdate(u Update) {
	h.change(func(s *State) { s.Update = u })
}

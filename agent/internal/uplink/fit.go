package uplink

import (
	"gourdian/agent/internal/live"
	"gourdian/internal/wire"
)

// Conditions of a hub whose program is of another time than the board's.
const (
	hubOlder  = "hub_older"
	hubNewer  = "hub_newer"
	hubTooOld = "hub_too_old"
)

// fit is how what the hub speaks goes with what the board speaks.
type fit struct {
	contract int  // of the hub's newest message, 0 = not heard yet
	unread   bool // an older hub could not read what the board sent
}

// heard notes the contract of something that the hub said.
func (f *fit) heard(m message) {
	switch m.name {
	case wire.TopicAck, wire.TopicWant, wire.TopicDesired:
	default:
		return
	}
	if contract, ok := wire.ContractOf(m.payload); ok {
		f.contract = contract
		f.unread = f.unread && f.older()
	}
}

// older reports a hub that lacks something of what the board may say.
func (f *fit) older() bool {
	is := wire.FitOf(f.contract)
	return f.contract > 0 && (is == wire.Older || is == wire.TooOld)
}

// acked notes what an acknowledgement says: whether it moved on, and whether
// there is something to be sent again.
func (f *fit) acked(moved, retry bool) {
	if moved {
		f.unread = false
	}
	f.refused(retry)
}

// refused notes that the hub did not take something; with an older hub that is
// no accident. What it did not take stays in the outbox until it can.
func (f *fit) refused(it bool) { f.unread = f.unread || it && f.older() }

// code is the condition that holds, "" = none.
func (f *fit) code() string {
	switch is := wire.FitOf(f.contract); {
	case f.contract == 0:
		return ""
	case is == wire.TooOld || f.unread:
		return hubTooOld
	case is == wire.Older:
		return hubOlder
	case is == wire.Newer:
		return hubNewer
	}
	return ""
}

// showFit raises what people should know of it.
func (u *Uplink) showFit() {
	holds := ""
	if u.status.Joined {
		holds = u.fit.code()
	}
	u.set(holds == hubOlder, live.Condition{Code: hubOlder, Severity: live.Info})
	u.set(holds == hubNewer, live.Condition{Code: hubNewer, Severity: live.Info})
	u.set(holds == hubTooOld, live.Condition{Code: hubTooOld, Severity: live.Warning})
}

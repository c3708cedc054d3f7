package uplink

import "gourdian/internal/wire"

// Update takes models from the hub; *update.Update is one. None of it waits.
type Update interface {
	// Belong hears to which hub, by the hash of its CA, the board belongs, and
	// whom that one said at joining to trust with models; Alone, that there is none.
	Belong(hub, root string) error
	Alone()
	Connected(yes bool)
	Want(d wire.Desired) error
	Asks() <-chan wire.Ask    // what to ask while connected
	Heard(frame []byte) error // of wire.TopicChunk
	State() *wire.UpdateState
}

// asks is what the update has to ask; nil where there is no update.
func (u *Uplink) asks() <-chan wire.Ask {
	if u.config.Update == nil {
		return nil
	}
	return u.config.Update.Asks()
}

// heardChunk takes a piece of a model, or a signed list.
func (u *Uplink) heardChunk(frame []byte) error {
	if u.config.Update == nil {
		return nil // nothing was asked for
	}
	return u.config.Update.Heard(frame)
}

// wantModel hands on what the hub desires.
func (u *Uplink) wantModel(d wire.Desired) {
	if u.config.Update == nil {
		return
	}
	if err := u.config.Update.Want(d); err != nil {
		u.config.Log.Warn("the model that the hub wants", "error", err)
	}
}

// tellMember tells the update to which hub the board belongs.
func (u *Uplink) tellMember() {
	if u.config.Update == nil {
		return
	}
	if err := u.config.Update.Belong(u.member.CAHash, u.member.Root); err != nil {
		u.config.Log.Warn("whom to trust with models", "error", err)
	}
}

// updateState is how a model on its way does.
func (u *Uplink) updateState() *wire.UpdateState {
	if u.config.Update == nil {
		return nil
	}
	return u.config.Update.State()
}

package uplink

import (
	"errors"
	"time"

	"gourdian/agent/internal/live"
)

const (
	// unreachedAfter is when a hub that can't be reached becomes a condition.
	// Until then, the page says it in passing: nothing is lost.
	unreachedAfter = 24 * time.Hour

	hubUnreached = "hub_unreached"
	hubRefuses   = "hub_refuses"
	linkDamaged  = "link_damaged"
)

// lost notes why there is no connection.
func (u *Uplink) lost(err error, pause time.Duration) {
	u.setConnected(false)
	switch {
	case errors.Is(err, errMember):
		u.status.Why = ""
	case err != nil:
		u.status.Why = why(err)
		u.config.Log.Warn("no connection to the hub", "error", err, "reason", u.status.Why, "next", pause)
	}
	if u.status.Why == live.WhyExpired {
		u.config.Renew()
	}
	u.show()
}

func (u *Uplink) setConnected(connected bool) {
	if u.status.Connected != connected || u.status.Since.IsZero() {
		u.status.Connected, u.status.Since = connected, time.Now()
		if u.config.Update != nil {
			u.config.Update.Connected(connected)
		}
	}
	if connected {
		u.status.Why = ""
	}
}

// unsent counts the records up to the newest one that the hub has not acknowledged.
func (u *Uplink) unsent(newest uint64) uint64 {
	return newest - min(newest, u.outbox.acked)
}

// show tells the page how the link is: what matters at once, bytes now and then.
func (u *Uplink) show() {
	now := time.Now()
	u.status.Quarantined = u.config.Outbox.Usage().Quarantined
	u.status.Unsent = 0
	if u.status.Joined {
		u.status.Unsent = u.unsent(u.config.Outbox.Usage().LastSeq)
	}
	u.showPhotos(now)
	was := u.shown
	was.BytesUp, was.BytesDown, was.LastAck = 0, 0, time.Time{}
	is := u.status
	is.BytesUp, is.BytesDown, is.LastAck = 0, 0, time.Time{}
	if is != was || u.shownAt.IsZero() || now.Sub(u.shownAt) >= u.timing.show {
		u.status.BytesUp, u.status.BytesDown = u.up.Load(), u.down.Load()
		if u.status != u.shown || u.shownAt.IsZero() {
			u.config.Board.SetLink(u.status)
		}
		u.shown, u.shownAt = u.status, now
	}
	u.conditions(now)
}

// conditions raises what the farmer should know of.
func (u *Uplink) conditions(now time.Time) {
	away := now.Sub(u.reached)
	refused := u.status.Why == live.WhyRefused || u.status.Why == live.WhyOtherHub
	u.set(u.status.Joined && !u.status.Connected && !refused && away >= unreachedAfter, live.Condition{Code: hubUnreached, Severity: live.Warning})
	u.set(u.status.Joined && !u.status.Connected && refused, live.Condition{Code: hubRefuses, Severity: live.Warning})
	u.showFit()
	u.set(u.status.Why == live.WhyDamaged, live.Condition{Code: linkDamaged, Severity: live.Warning})
}

func (u *Uplink) set(holds bool, c live.Condition) {
	if holds {
		u.config.Board.Raise(c)
	} else {
		u.config.Board.Clear(c.Code, c.Subject)
	}
}

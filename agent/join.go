package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"gourdian/agent/internal/guard"
	"gourdian/agent/internal/membership"
	"gourdian/agent/internal/page"
	"gourdian/agent/internal/store"
	"gourdian/agent/internal/uplink"
	"gourdian/internal/service"
)

// Joined is what a board learns when it joins.
type Joined struct {
	Hub    string // address
	Site   string
	Name   string // of the board
	Device string
	Until  time.Time // when the certificate ends; it is renewed before
}

// Join makes the board of a config a member of the hub that a token names, or
// of the one at address where that is not empty. A running agent takes it up by
// itself.
func Join(ctx context.Context, config Config, build Build, token, address, name string) (Joined, error) {
	if err := os.MkdirAll(config.Data, 0o750); err != nil {
		return Joined{}, fmt.Errorf("make the data folder: %w", err)
	}
	device, err := store.DeviceOf(storeFolder(config))
	if err != nil {
		return Joined{}, err
	}
	m, err := membership.Join(ctx, membership.Request{
		Data: config.Data, Device: device, Token: token, Hub: address, Name: name,
		Version: build.Version, Clock: membership.Clock{Now: time.Now, Built: build.Time},
	})
	if err != nil {
		return Joined{}, err
	}
	_, until := m.Validity()
	return Joined{Hub: m.Hub, Site: m.Site, Name: m.Name, Device: device, Until: until}, nil
}

// Leave makes the board forget its hub, and is an error where it has none. Its
// records stay.
func Leave(config Config) error { return membership.Leave(config.Data) }

// Explain says in plain words what to do about an error of Join, "" where the
// error says it all.
func Explain(err error) string {
	switch {
	case errors.Is(err, membership.ErrOtherHub):
		return "Somebody else answers at this address, or the hub was set up anew: make a new token there."
	case errors.Is(err, membership.ErrClock):
		return "Set the board's clock, then join again."
	case errors.Is(err, membership.ErrUnreachable):
		return "Check the address and the network; nothing was used up, so the same token can be tried again."
	case errors.Is(err, os.ErrPermission):
		return "Run this as the user of the data folder, or as root."
	default:
		return ""
	}
}

// addUplink adds the link to the hub, which waits until the board has joined one.
func (b *board) addUplink(tap *uplink.Tap) {
	clock := membership.Clock{Now: time.Now, Built: b.build.Time}
	renewer := membership.NewRenewer(b.config.Data, b.build.Version, clock, b.log.With("part", "certificate"))
	b.group.Add(service.Part{Name: "certificate", Run: renewer.Run})
	link := uplink.New(uplink.Config{
		Data: b.config.Data, Device: b.store.Device(), Epoch: b.store.Epoch(), Boot: b.boot,
		Outbox: b.store, Memory: b.store, Hours: b.store, Shelf: b.store, Errands: b.store, Latest: b.store.LatestSamples,
		Board: b.hub, Control: b.control, Update: b.update, Machine: guard.Linux{Data: b.config.Data}, Logs: tap,
		Version: b.build.Version, Arch: runtime.GOARCH, Profile: b.profile.Name,
		Clock: clock, Renew: renewer.Early, Log: b.log.With("part", "link"),
	})
	b.group.Add(service.Part{Name: "link", Run: link.Run})
}

// ResetPIN forgets the page's PIN.
func ResetPIN(config Config) error { return page.ResetPIN(config.Data) }

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// pageWait bounds a question to our own page.
const pageWait = 3 * time.Second

// page looks whether the page can be opened: its port where no agent runs, else
// itself.
func (b *Board) page(ctx context.Context) Result {
	switch {
	case b.Live != nil && b.Page != nil:
		address := b.Page()
		if err := askPage(ctx, address); err != nil {
			return is(pageSilent, "address", address, "why", err.Error())
		}
		return is(pageServed, "address", address)
	case b.Locked:
		return is(pageSilent, "address", b.Listen, "why", "no answer")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", b.Listen)
	if err != nil {
		return judgeListen(b.Listen, err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return is(pageBad, "address", b.Listen, "why", err.Error())
	}
	return is(pageFree, "address", address)
}

func judgeListen(address string, err error) Result {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return is(pageBusy, "address", address)
	case errors.Is(err, syscall.EACCES):
		return is(pageDenied, "address", address)
	}
	return is(pageBad, "address", address, "why", err.Error())
}

// askPage asks an agent's page whether it is there. What it says of the board
// does not matter here.
func askPage(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, pageWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}

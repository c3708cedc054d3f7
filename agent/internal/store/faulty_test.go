package store

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// faultyDisk is the real disk with faults on order.
type faultyDisk struct {
	realDisk
	mu     sync.Mutex
	room   int64            // what free answers; -1 = the truth
	refuse map[string]error // by method name
}

func newFaultyDisk() *faultyDisk { return &faultyDisk{room: -1, refuse: map[string]error{}} }

func noSpace() error { return fmt.Errorf("injected: %w", unix.ENOSPC) }

func (d *faultyDisk) order(method string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse[method] = err
}

func (d *faultyDisk) setRoom(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

func (d *faultyDisk) fault(method string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuse[method]
}

func (d *faultyDisk) free(dir string) (int64, error) {
	d.mu.Lock()
	room := d.room
	d.mu.Unlock()
	if room >= 0 {
		return room, nil
	}
	return d.realDisk.free(dir)
}

func (d *faultyDisk) write(path string, data []byte) error {
	if err := d.fault("write"); err != nil {
		return err
	}
	return d.realDisk.write(path, data)
}

func (d *faultyDisk) rename(from, to string) error {
	if err := d.fault("rename"); err != nil {
		return err
	}
	return d.realDisk.rename(from, to)
}

func (d *faultyDisk) remove(path string) error {
	if err := d.fault("remove"); err != nil {
		return err
	}
	return d.realDisk.remove(path)
}

package page

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	"gourdian/internal/wire"
)

const (
	recentShown  = 6               // rows of two on a phone, of three beside the chart
	latelyWait   = 5 * time.Second // for the store
	latelyAtOnce = 50              // newer records that are read singly, not by a search
)

// lately remembers today's counts and the last sightings that deserve a look,
// so that all open pages share one reading of the store. It may be used from
// any goroutine.
type lately struct {
	history History
	log     *slog.Logger

	mu     sync.Mutex
	known  bool     // whether the rest holds, guarded by mu
	newest uint64   // guarded by mu
	days   []string // today and yesterday, guarded by mu
	custom bool     // of which kind of model recent is, guarded by mu
	data   latelyData
	failed bool // and it was logged, guarded by mu
}

// latelyData is not changed once it was handed out.
type latelyData struct {
	today, yesterday store.Day
	recent           []keptEntry // newest first
}

// keptEntry is a record and whether its picture is still there.
type keptEntry struct {
	store.Entry
	hasPicture bool
}

func newLately(history History, log *slog.Logger) *lately { return &lately{history: history, log: log} }

// forget makes the next reading a new one: a record was corrected.
func (l *lately) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = false
}

// read returns what is kept, by the field's time. That the store can't be read
// is logged once: pages ask again and again.
func (l *lately) read(now time.Time, model *live.Model) (latelyData, error) {
	ctx, cancel := context.WithTimeout(context.Background(), latelyWait)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	data, err := l.readLocked(ctx, now, model)
	if failed := err != nil; failed != l.failed {
		l.failed = failed
		l.log.Warn("reading today's sightings", "works", !failed, "error", err)
	}
	return data, err
}

func (l *lately) readLocked(ctx context.Context, now time.Time, model *live.Model) (latelyData, error) {
	days := []string{dateOf(now), dateOf(now.AddDate(0, 0, -1))}
	if l.custom != isCustom(model) {
		l.known, l.custom = false, isCustom(model)
	}
	first, err := l.history.Records(ctx, store.Query{Limit: 1})
	if err != nil {
		return latelyData{}, err
	}
	newest := uint64(0)
	if len(first) > 0 {
		newest = first[0].Seq
	}
	if l.known && newest == l.newest && slices.Equal(days, l.days) {
		return l.data, nil
	}
	data, err := l.loadLocked(ctx, newest, days)
	if err != nil {
		l.known = false
		return latelyData{}, err
	}
	l.known, l.newest, l.days, l.data = true, newest, days, data
	return data, nil
}

func (l *lately) loadLocked(ctx context.Context, newest uint64, days []string) (data latelyData, err error) {
	if data.today, err = l.history.Day(ctx, days[0]); err != nil {
		return data, err
	}
	if data.yesterday, err = l.history.Day(ctx, days[1]); err != nil {
		return data, err
	}
	entries, err := l.recentLocked(ctx, newest)
	for _, entry := range entries {
		data.recent = append(data.recent, keptEntry{entry, hasPicture(l.history, entry.Image)})
	}
	return data, err
}

// recentLocked searches all records once; later it looks only at those that
// have come since, as a search may go far back on a field without bad ones.
func (l *lately) recentLocked(ctx context.Context, newest uint64) ([]store.Entry, error) {
	wanted := []wire.Verdict{wire.Bad, wire.Unsure}
	if l.custom {
		wanted = nil
	}
	if !l.known || newest < l.newest || newest-l.newest > latelyAtOnce {
		return l.history.Records(ctx, store.Query{Limit: recentShown, Verdicts: wanted})
	}
	var entries []store.Entry
	if n := int(newest - l.newest); n > 0 {
		fresh, err := l.history.Records(ctx, store.Query{Limit: n})
		if err != nil {
			return nil, err
		}
		for _, entry := range fresh {
			if entry.Seq > l.newest && (wanted == nil || slices.Contains(wanted, entry.Verdict)) {
				entries = append(entries, entry)
			}
		}
	}
	for _, kept := range l.data.recent {
		entries = append(entries, kept.Entry)
	}
	return entries[:min(len(entries), recentShown)], nil
}

// hasPicture reports whether a record's picture is still kept: pictures give
// way before records do.
func hasPicture(history History, hash string) bool {
	if !isHash(hash) {
		return false
	}
	picture, err := history.Picture(hash)
	if err != nil {
		return !errors.Is(err, store.ErrNotFound) // else the reader's browser finds out
	}
	_ = picture.Close() // it was only opened
	return true
}

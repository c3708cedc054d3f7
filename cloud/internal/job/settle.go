package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/internal/wire"
)

// Bounds of what stays of a job.
const (
	maxResult = 4 << 20 // bytes
	maxError  = 1000
)

// settle writes down how a try ended. Nobody can be told when that fails: the
// lease ends then, and the job is done again.
func (j *Jobs) settle(ctx context.Context, one Job, k Kind, result any, err error) {
	text := []byte("null")
	if err == nil {
		if text, err = json.Marshal(result); err == nil && len(text) > maxResult {
			err = fmt.Errorf("its result has %d bytes, at most %d", len(text), maxResult)
		}
		if err != nil {
			err = Final(err)
		}
	}
	settled := verdictOn(one, k, err, time.Now())
	if settled.State == Done {
		settled.Result = string(text)
	}
	dbErr := j.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := mine(tx.NewUpdate().Model(&settled), one).
			Column("state", "attempts", "due_at", "ended_at", "result", "error", "fence", "carrier", "owner", "lease", "cancel")
		return hit(q.Exec(ctx))
	})
	switch {
	case dbErr != nil:
		j.config.Log.Error("the end of a job can't be written down", "job", one.ID, "error", dbErr)
		return
	case settled.State == Failed:
		j.config.Log.Warn("a job failed", "job", one.ID, "kind", one.Kind, "error", err)
	case settled.State == Waiting && !errors.Is(err, errStopping):
		j.config.Log.Info("a job will be tried again", "job", one.ID, "kind", one.Kind, "error", err)
		j.carryNow(ctx, settled)
	case settled.State == Done && k.Clean != nil:
		k.Clean(json.RawMessage(one.Args))
	}
}

// verdictOn is a job after a try that ended so.
func verdictOn(one Job, k Kind, err error, now time.Time) Job {
	next := one
	next.Owner, next.Lease, next.EndedAt = "", 0, now.UnixMicro()
	switch {
	case err == nil:
		next.State, next.Error = Done, ""
		return next
	case errors.Is(err, errCancelled):
		next.State = Cancelled
		return next
	case errors.Is(err, errStopping): // not the job's fault
		next.State, next.EndedAt, next.DueAt, next.Fence, next.Carrier = Waiting, 0, now.UnixMicro(), one.Fence+1, 0
		return next
	}
	next.Attempts, next.Error = one.Attempts+1, wire.Text(err.Error(), maxError)
	if isFinal(err) || next.Attempts >= k.Attempts {
		next.State = Failed
		return next
	}
	next.State, next.EndedAt, next.Fence, next.Carrier = Waiting, 0, one.Fence+1, 0
	next.DueAt = now.Add(pause(next.Attempts)).UnixMicro()
	return next
}

// Pauses between tries.
const (
	firstPause = 5 * time.Second
	maxPause   = 15 * time.Minute
)

// pause is how long after so many failed tries the next one waits.
func pause(attempts int) time.Duration {
	p := firstPause
	for range attempts - 1 {
		p = min(3*p, maxPause)
	}
	return p
}

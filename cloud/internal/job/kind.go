package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxTimeout bounds the time of every job: the queue itself lets go of what is
// older still.
const maxTimeout = 24 * time.Hour

// Kind is a kind of job. The catalogue has its words: "hub.job.kind.<Name>", and
// "hub.job.step.<Step>" for what its Progress says.
type Kind struct {
	Name     string
	Run      func(ctx context.Context, args json.RawMessage, p *Progress) (result any, err error)
	Timeout  time.Duration // of one try
	Attempts int           // tries that may end in an error
	Pure     bool          // the same arguments give the same result: done once is done
	Heavy    bool          // keeps processors busy: such jobs run one after the other
	// Every is the time from one job that the hub starts by itself to the next;
	// nil or 0 = it starts none.
	Every func() time.Duration
	// Clean is called when a job was done, to let go of what only it needed. It
	// may be cut off.
	Clean func(args json.RawMessage)
}

// Of makes the function of a kind from one with arguments and a result of types
// of its own.
func Of[A, R any](run func(ctx context.Context, args A, p *Progress) (R, error)) func(context.Context, json.RawMessage, *Progress) (any, error) {
	return func(ctx context.Context, text json.RawMessage, p *Progress) (any, error) {
		var args A
		if err := json.Unmarshal(text, &args); err != nil {
			return nil, Final(fmt.Errorf("read the arguments of a job: %w", err))
		}
		return run(ctx, args, p)
	}
}

func (k *Kind) check() error {
	switch {
	case k.Name == "" || k.Run == nil:
		return errors.New("a kind of job has no name or does nothing")
	case k.Timeout <= 0 || k.Timeout > maxTimeout:
		return fmt.Errorf("kind of job %s: its time must be more than 0 and at most %v", k.Name, maxTimeout)
	case k.Attempts < 1:
		return fmt.Errorf("kind of job %s: it needs an attempt", k.Name)
	}
	return nil
}

// identity names the work itself.
func identity(kind string, args []byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s", kind, args))
	return hex.EncodeToString(sum[:])
}

// finalError is not worth another try.
type finalError struct{ error }

// Unwrap gives what is wrong.
func (f finalError) Unwrap() error { return f.error }

// Final marks an error that another try would only meet again.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return finalError{err}
}

func isFinal(err error) bool {
	var f finalError
	return errors.As(err, &f)
}

package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/db"
)

// State is how far a job is.
type State string

// States. The last three are ends.
const (
	Waiting   State = "waiting" // for its turn, or for the next try
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed" // for good
	Cancelled State = "cancelled"
)

// Ended reports whether nothing more comes by itself.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Errors of orders.
var (
	// ErrNotFound: there is no such job, or no such kind.
	ErrNotFound = errors.New("there is no such job")
	// ErrEnded: a job that has ended can't be cancelled.
	ErrEnded = errors.New("the job has ended")
	// ErrNotEnded: a job is retried only when it failed or was cancelled.
	ErrNotEnded = errors.New("the job did not fail")
	// ErrUnderWay: the same work is under way as another job.
	ErrUnderWay = errors.New("the same work is under way already")
)

// Job is the line of a job.
type Job struct {
	bun.BaseModel `bun:"table:jobs,alias:j"`

	ID        int64  `bun:"id,pk"`
	Kind      string `bun:"kind"`
	Args      string `bun:"args"`
	Identity  string `bun:"identity"`
	State     State  `bun:"state"`
	StartedBy string `bun:"started_by"` // name of a person, Hub = by itself
	Attempts  int    `bun:"attempts"`   // tries that ended in an error
	Deaths    int    `bun:"deaths"`     // tries that ended with the process
	CreatedAt int64  `bun:"created_at"`
	DueAt     int64  `bun:"due_at"`
	StartedAt int64  `bun:"started_at"` // of the newest try
	EndedAt   int64  `bun:"ended_at"`
	Step      string `bun:"step"`
	StepAt    int64  `bun:"step_at"`
	Done      int    `bun:"done"`
	Total     int    `bun:"total"` // 0 = nobody knows
	Result    string `bun:"result"`
	Error     string `bun:"error"` // of the newest try
	Cancel    bool   `bun:"cancel"`
	EndedBy   string `bun:"ended_by"` // who cancelled it
	Owner     string `bun:"owner"`
	Lease     int64  `bun:"lease"`
	Fence     int64  `bun:"fence"`
	Carrier   int64  `bun:"carrier"` // its number in the queue, 0 = none yet
}

// Hub is who starts jobs that nobody asked for.
const Hub = "hub"

// Created is when the job was ordered.
func (j *Job) Created() time.Time { return db.Time(j.CreatedAt) }

// Started is when the newest try began.
func (j *Job) Started() time.Time { return db.Time(j.StartedAt) }

// Ended is when it came to its end.
func (j *Job) Ended() time.Time { return db.Time(j.EndedAt) }

// Due is when the next try may begin.
func (j *Job) Due() time.Time { return db.Time(j.DueAt) }

// Share is how much of the step is done, 0 to 1; false where nobody knows.
func (j *Job) Share() (float64, bool) {
	if j.Total <= 0 {
		return 0, false
	}
	return min(1, float64(j.Done)/float64(j.Total)), true
}

// leastShare is how much of a step must be done before its end is foretold.
const leastShare = 0.02

// Left is how long the step will still take if it goes on as it did; false where
// nobody can say.
func (j *Job) Left(now time.Time) (time.Duration, bool) {
	share, ok := j.Share()
	if j.State != Running || !ok || share < leastShare {
		return 0, false
	}
	return time.Duration(float64(now.Sub(db.Time(j.StepAt))) * (1 - share) / share), true
}

// ReadResult reads the result of a job that was done.
func (j *Job) ReadResult(into any) error {
	if j.State != Done {
		return fmt.Errorf("read the result of job %d: it is %s", j.ID, j.State)
	}
	if err := json.Unmarshal([]byte(j.Result), into); err != nil {
		return fmt.Errorf("read the result of job %d: %w", j.ID, err)
	}
	return nil
}

// Line is one line of a job's log.
type Line struct {
	bun.BaseModel `bun:"table:job_lines"`

	Job  int64  `bun:"job,pk"`
	Seq  int64  `bun:"seq,pk"`
	At   int64  `bun:"at"`
	Text string `bun:"text"`
}

// When is when it was written.
func (l *Line) When() time.Time { return db.Time(l.At) }

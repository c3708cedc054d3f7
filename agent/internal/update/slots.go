package update

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"gourdian/internal/wire"
)

// mostStarts is how often a board may start with a model that is still under
// watch: one that takes the board down with it is left the time after.
const mostStarts = 3

// slots is what may run, on disk before it is acted upon: the hub's model that
// serves, what served before it, and the board's own. Any goroutine may ask.
type slots struct {
	folder folder

	changing sync.Mutex // one change at a time: it is written before it holds
	mu       sync.Mutex // guards j
	j        journal
}

// openSlots reads the journal as a start of the board does. What was left half
// made is thrown away.
func openSlots(f folder) (s *slots, note error) {
	s = &slots{folder: f}
	if note = os.MkdirAll(f.path(modelsName), 0o750); note != nil {
		return s, note
	}
	if s.j, note = f.load(); note != nil {
		return s, note // then the board's own model runs
	}
	if s.j.Soaking {
		note = s.change(func(j *journal) {
			if j.Starts++; j.Starts > mostStarts {
				j.back("the board ended again and again while the model was under watch")
			}
		})
	}
	return s, errors.Join(note, s.sweep())
}

// now is a copy.
func (s *slots) now() journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.j
	j.Refused, j.Known = slices.Clone(j.Refused), slices.Clone(j.Known)
	if j.State != nil {
		state := *j.State
		j.State = &state
	}
	return j
}

// change keeps a change. What could not be kept did not happen.
func (s *slots) change(edit func(*journal)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	next := s.now()
	edit(&next)
	if err := s.folder.save(next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.j = next
	return nil
}

// chosen is the path of the hub's model that serves, "" where the board's own does.
func (s *slots) chosen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.folder.bundle(s.j.Current)
}

// flip lets a model serve, under watch. What served before and has proved itself
// is kept.
func (j *journal) flip(id string) {
	if !j.Soaking {
		j.Previous = j.Current
	}
	j.Current, j.Soaking, j.Starts = id, true, 0
}

// back lets what served before serve again, and remembers why.
func (j *journal) back(why string) {
	gone := j.Current
	j.Current, j.Previous, j.Soaking, j.Starts = j.Previous, "", false, 0
	if j.State != nil && j.State.Bundle == gone {
		j.State.Stage, j.State.Step, j.State.Why = wire.StageRolledBack, wire.StepSoak, wire.Text(why, wire.MaxText)
		j.refuse(j.State.Rollout)
	}
}

func (j *journal) refuse(rollout string) {
	if !slices.Contains(j.Refused, rollout) {
		j.Refused = append(j.Refused, rollout)
	}
}

// sweep removes bundles that are neither served nor to be gone back to, and
// files that were being written.
func (s *slots) sweep() error {
	j := s.now()
	keep := []string{j.Current, j.Previous}
	if !slices.Contains(j.Refused, j.Wish.Rollout) {
		keep = append(keep, j.Wish.Bundle) // it may be whole and not yet tried
	}
	entries, err := os.ReadDir(s.folder.path(modelsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), bundleEnd)
		if ok && slices.Contains(keep, id) {
			continue
		}
		err = errors.Join(err, os.Remove(s.folder.path(modelsName, e.Name())))
	}
	return err
}

// here are the paths of all bundles of the hub on this board.
func (s *slots) here() (paths []string) {
	j := s.now()
	for _, id := range []string{j.Current, j.Previous} {
		if id != "" {
			paths = append(paths, s.folder.bundle(id))
		}
	}
	return paths
}

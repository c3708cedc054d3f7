package predict

import (
	"errors"

	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/worker"
)

// ErrMismatch: a worker program is another one, or of a version that does not
// speak with this hub. Waiting does not help.
var ErrMismatch = errors.New("a worker program does not fit this hub")

// Worker is a worker program as it presented itself.
type Worker struct {
	Program  string
	Version  string // "" = none was up yet
	Mismatch string // why it does not speak with this hub, "" = it does
}

func workerOf(program string, p process) Worker {
	w, state := Worker{Program: program}, p.State()
	w.Version = state.Version
	if state.Code == worker.CodeMismatch {
		w.Mismatch = state.Err
	}
	return w
}

// Worker is the program that decodes.
func (d *Decoders) Worker() Worker {
	if len(d.all) == 0 {
		return Worker{}
	}
	return workerOf(capture.Program, d.all[0].process)
}

// Worker is the program that infers: that of the model that answers, or of the
// one that did not start.
func (s *Service) Worker() Worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := Worker{Program: infer.Program}
	if s.now != nil && len(s.now.all) > 0 {
		w = workerOf(infer.Program, s.now.all[0].process)
	}
	if errors.Is(s.fault, ErrMismatch) {
		w.Mismatch = s.fault.Error()
	}
	return w
}

// unfit reports a bundle that was made for another version of this program.
func unfit(err error) bool {
	return errors.Is(err, bundle.ErrPreprocess) || errors.Is(err, bundle.ErrVersion)
}

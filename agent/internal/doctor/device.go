package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// deviceFacts is what was found of a camera's device file.
type deviceFacts struct {
	path   string
	stat   error    // of looking at it
	access error    // why user may not open it; nil = may
	user   string   // who looks
	group  string   // that may open it
	there  []string // camera devices of this board
}

// device looks at the file of a camera on this board before it is opened, and
// reports whether that says why it can't be.
func (b *Board) device(c Camera) (r Result, found bool) {
	if c.Address.Scheme != "device" {
		return Result{}, false
	}
	f := deviceFacts{path: c.Address.Target, user: userName(os.Geteuid())}
	var info os.FileInfo
	if info, f.stat = os.Stat(f.path); f.stat == nil {
		f.access, f.group = syscall.Access(f.path, mayRead|mayWrite), groupName(info)
	}
	var err error
	if f.there, err = filepath.Glob("/dev/video*"); err != nil {
		f.there = nil // only for a malformed pattern, and ours is a constant
	}
	return judgeDevice(f)
}

func judgeDevice(f deviceFacts) (r Result, found bool) {
	switch {
	case errors.Is(f.stat, fs.ErrNotExist) && len(f.there) > 0:
		return is(cameraMissing, "path", f.path, "there", f.there), true
	case errors.Is(f.stat, fs.ErrNotExist):
		return is(cameraNone, "path", f.path), true
	case f.stat != nil:
		return is(cameraUnopened, "why", f.stat.Error()), true
	case f.access != nil:
		return is(cameraPermission, "path", f.path, "user", f.user, "group", f.group), true
	}
	return Result{}, false
}

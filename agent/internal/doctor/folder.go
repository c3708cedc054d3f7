package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Kinds of file system that forget everything when the power goes.
const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

// Access asks of access(2).
const (
	mayRead  = 4
	mayWrite = 2
	mayEnter = 1
)

// folderFacts is what was found of a data folder.
type folderFacts struct {
	path     string
	there    bool
	file     bool   // no folder stands there
	fault    error  // of looking at it
	owner    string // of the folder; of its nearest parent where it is not there
	user     string // who looks
	access   error  // why user may not write in it, or make it; nil = may
	parent   string // nearest folder that is there
	stranger string // what in it belongs to somebody else, "" = nothing
	volatile bool   // it lies in memory
	sync     error  // why nothing can be brought to disk; nil = it can
}

func (b *Board) data(context.Context) []Result { return judgeFolder(lookAtFolder(b.Data, b.Store)) }

func lookAtFolder(data, store string) folderFacts {
	f := folderFacts{path: data, parent: existing(data), user: userName(os.Geteuid())}
	info, err := os.Stat(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.access = syscall.Access(f.parent, mayWrite|mayEnter)
		if info, err := os.Stat(f.parent); err == nil {
			f.owner = ownerName(info)
		}
		return f
	case err != nil:
		f.fault = err
		return f
	}
	f.there, f.file, f.owner = true, !info.IsDir(), ownerName(info)
	if f.file {
		return f
	}
	if f.access = syscall.Access(data, mayRead|mayWrite|mayEnter); f.access != nil {
		return f
	}
	f.stranger, f.volatile, f.sync = strangersFile(data, store), volatileDisk(data), syncs(data)
	return f
}

func judgeFolder(f folderFacts) []Result {
	var results []Result
	switch {
	case f.fault != nil:
		return []Result{is(dataNoFolder, "path", f.path, "why", f.fault.Error())}
	case f.file:
		return []Result{is(dataFile, "path", f.path)}
	case f.access != nil && f.there:
		return []Result{is(dataReadonly, "path", f.path, "user", f.user, "owner", f.owner, "why", f.access.Error())}
	case f.access != nil:
		return []Result{is(dataReadonly, "path", f.parent, "user", f.user, "owner", f.owner, "why", f.access.Error())}
	case !f.there:
		return []Result{is(dataNew, "path", f.path)}
	case f.stranger != "":
		results = append(results, is(dataOwner, "path", f.stranger, "folder", f.path, "owner", f.owner))
	}
	if f.volatile {
		results = append(results, is(dataVolatile, "path", f.path))
	}
	if f.sync != nil {
		results = append(results, is(dataSync, "path", f.path, "why", f.sync.Error()))
	}
	if results == nil {
		results = append(results, is(dataOK, "path", f.path, "owner", f.owner))
	}
	return results
}

// existing is the nearest folder above a path that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// strangersFile looks for what belongs to another user than the data folder: an
// agent that was started once as root leaves such files, and the service can't
// write them. It looks into the two upper folders only.
func strangersFile(data, store string) string {
	owner, ok := ownerOf(data)
	if !ok {
		return ""
	}
	for _, dir := range []string{data, store} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // not made yet
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if of, ok := ownerOf(path); ok && of != owner {
				return path
			}
		}
	}
	return ""
}

func ownerOf(path string) (uid int, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	return uidOf(info)
}

func uidOf(info os.FileInfo) (uid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

func ownerName(info os.FileInfo) string {
	uid, ok := uidOf(info)
	if !ok {
		return ""
	}
	return userName(uid)
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func volatileDisk(path string) bool {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return false
	}
	return int64(s.Type) == tmpfsMagic || int64(s.Type)&0xffffffff == ramfsMagic
}

// Locked reports whether an agent runs on a store's folder. The error says that
// this user may not know.
func Locked(store string) (bool, error) {
	f, err := os.Open(filepath.Join(store, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // never started
	}
	if err != nil {
		return false, fmt.Errorf("ask for the lock: %w", err)
	}
	defer func() { _ = f.Close() }() // lets go of the lock, too
	// A shared lock: two doctors at once do not take each other for an agent.
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK), nil
}

// groupName is the group that a file belongs to: who is in it may open it.
func groupName(info os.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	gid := strconv.Itoa(int(s.Gid))
	if g, err := user.LookupGroupId(gid); err == nil {
		return g.Name
	}
	return gid
}

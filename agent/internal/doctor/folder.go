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

func (b *Board) data(context.Context) []Result {
	info, err := os.Stat(b.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Result{b.dataToBe()}
	case err != nil:
		return []Result{is(dataNoFolder, "path", b.Data, "why", err.Error())}
	case !info.IsDir():
		return []Result{is(dataFile, "path", b.Data)}
	}
	if err := syscall.Access(b.Data, mayRead|mayWrite|mayEnter); err != nil {
		return []Result{is(dataReadonly, "path", b.Data, "user", userName(os.Geteuid()), "owner", ownerName(info), "why", err.Error())}
	}
	if path := strangersFile(b.Data, b.Store); path != "" {
		return []Result{is(dataOwner, "path", path, "folder", b.Data, "owner", ownerName(info))}
	}
	var results []Result
	if volatileDisk(b.Data) {
		results = append(results, is(dataVolatile, "path", b.Data))
	}
	if err := syncs(b.Data); err != nil {
		results = append(results, is(dataSync, "path", b.Data, "why", err.Error()))
	}
	if results == nil {
		results = append(results, is(dataOK, "path", b.Data, "owner", ownerName(info)))
	}
	return results
}

// dataToBe looks whether the folder that is not there can be made.
func (b *Board) dataToBe() Result {
	parent := existing(b.Data)
	if err := syscall.Access(parent, mayWrite|mayEnter); err != nil {
		info, statErr := os.Stat(parent)
		owner := ""
		if statErr == nil {
			owner = ownerName(info)
		}
		return is(dataReadonly, "path", parent, "user", userName(os.Geteuid()), "owner", owner, "why", err.Error())
	}
	return is(dataNew, "path", b.Data)
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

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
)

// Room on a disk in bytes.
const (
	// fullBelow is what the store keeps free and its reserve: below it nothing
	// is accepted.
	fullBelow = 96 << 20
	// lowBelow is where the page begins to warn.
	lowBelow = 500 << 20

	megabyte = 1_000_000 // of quotas, as on the label of a card
)

func (b *Board) space(ctx context.Context) Result {
	free, err := freeDisk(existing(b.Data))
	if err != nil {
		return is(spaceUnknown, "why", err.Error())
	}
	quota, used := int64(b.Profile.Store.PicturesMB+b.Profile.Store.RecordsMB)*megabyte, int64(0)
	if b.Live != nil {
		store := b.Live().Store
		quota = store.PictureQuota + int64(b.Profile.Store.RecordsMB)*megabyte
	}
	if used, err = usedIn(ctx, b.Store); err != nil {
		return is(spaceUnknown, "why", err.Error())
	}
	return judgeSpace(Size(free), Size(used), Size(quota))
}

func judgeSpace(free, used, quota Size) Result {
	code := spaceOK
	switch {
	case free < fullBelow:
		code = spaceFull
	case free < lowBelow:
		code = spaceLow
	case free+used < quota+fullBelow:
		code = spaceQuota
	}
	return is(code, "free", free, "used", used, "quota", quota).measured(float64(free)/megabyte, "MB")
}

// usedIn adds up the files of a folder. Files that go meanwhile do not count.
func usedIn(ctx context.Context, dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}

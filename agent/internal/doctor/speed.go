package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// The trial of a disk: small records, each brought to disk as the store does
// it, then one long file. It ends by bytes or by time, whatever comes first.
const (
	smallRecord = 512
	smallMost   = 64
	smallFor    = 1500 * time.Millisecond
	longMost    = 32 << 20
	longBlock   = 1 << 20
	longFor     = 1500 * time.Millisecond
	// roomFor is how many times the trial's bytes must be free.
	roomFor = 8
)

// Speeds below which a disk troubles the board. A record waits for one write
// to disk, and cameras bring some each second at most; pictures need about
// 1 MB/s at the busiest.
const (
	slowRecord  = 100 * time.Millisecond // median
	slowWorst   = time.Second            // of 100
	crawlRecord = time.Second            // median
	slowMBs     = 2.0
)

// diskSpeed is what a trial measured.
type diskSpeed struct {
	p50, p99 time.Duration // of one small record
	mbs      float64       // megabytes (1,000,000 bytes) each second of the long file
}

func (b *Board) disk(ctx context.Context) (r Result) {
	free, err := freeDisk(b.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return is(diskNoFolder)
	case err != nil:
		return is(diskUnmeasured, "why", err.Error())
	case free < roomFor*longMost/4:
		return is(diskNoRoom, "free", Size(free))
	}
	speed, err := tryDisk(ctx, b.Data, min(longMost, free/roomFor))
	if err != nil {
		return is(diskBroken, "path", b.Data, "why", err.Error())
	}
	return judgeDisk(speed)
}

func judgeDisk(s diskSpeed) Result {
	code := diskOK
	switch {
	case s.p50 >= crawlRecord:
		code = diskCrawls
	case s.p50 >= slowRecord || s.p99 >= slowWorst || s.mbs < slowMBs:
		code = diskSlow
	}
	return is(code, "p50", Span(s.p50), "p99", Span(s.p99), "mbs", s.mbs).measured(float64(s.p50)/float64(time.Millisecond), "ms")
}

// tryDisk writes and takes away what it wrote, also where ctx ends it.
func tryDisk(ctx context.Context, data string, bytes int64) (s diskSpeed, err error) {
	t, err := openTrial(data)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	times, err := writeSmall(ctx, filepath.Join(t.dir, "small"))
	if err != nil {
		return s, err
	}
	slices.Sort(times)
	s.p50, s.p99 = times[len(times)/2], times[(len(times)-1)*99/100]
	s.mbs, err = writeLong(ctx, filepath.Join(t.dir, "long"), bytes)
	return s, err
}

func writeSmall(ctx context.Context, path string) (times []time.Duration, err error) {
	record := make([]byte, smallRecord)
	err = filled(path, func(f *os.File) error {
		for began := time.Now(); len(times) < smallMost && (len(times) == 0 || time.Since(began) < smallFor); {
			if err := ctx.Err(); err != nil {
				return err
			}
			start := time.Now()
			if _, err := f.Write(record); err != nil {
				return err
			}
			if err := f.Sync(); err != nil {
				return err
			}
			times = append(times, time.Since(start))
		}
		return nil
	})
	return times, err
}

func writeLong(ctx context.Context, path string, bytes int64) (mbs float64, err error) {
	block := make([]byte, longBlock)
	for i := range block {
		block[i] = byte(i * 31) // a file system that leaves zeros out would look fast
	}
	err = filled(path, func(f *os.File) error {
		began, written := time.Now(), int64(0)
		for written < bytes && (written == 0 || time.Since(began) < longFor) {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := f.Write(block[:min(longBlock, bytes-written)])
			if err != nil {
				return err
			}
			written += int64(n)
			// Synced as it goes: else a slow card takes the whole file into memory
			// within the time and needs minutes for the one sync at the end.
			if written%(4*longBlock) == 0 || written == bytes {
				if err := f.Sync(); err != nil {
					return err
				}
			}
		}
		if err := f.Sync(); err != nil {
			return err
		}
		mbs = float64(written) / 1e6 / time.Since(began).Seconds()
		return nil
	})
	return mbs, err
}

// filled makes a new file, has it filled and closes it.
func filled(path string, fill func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	if err := errors.Join(fill(f), f.Close()); err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	return nil
}

// syncs reports whether a small file can be brought to disk.
func syncs(data string) (err error) {
	t, err := openTrial(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	return filled(filepath.Join(t.dir, "sync"), func(f *os.File) error {
		if _, err := f.WriteString("gourdian"); err != nil {
			return err
		}
		return f.Sync()
	})
}

// freeDisk is what this user may still write under a folder.
func freeDisk(path string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

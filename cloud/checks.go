package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/health"
	"gourdian/cloud/internal/ingest"
)

// Where a disk counts as filling and as full, whichever is more.
const (
	lowDiskBytes  = 2 << 30
	fullDiskBytes = 256 << 20
)

// checkDatabase says when the database does not answer, or is not whole.
func checkDatabase(d *db.DB) health.Check {
	return func(ctx context.Context) []health.Condition {
		err := d.Ping(ctx)
		if errors.Is(err, db.ErrDamaged) {
			return []health.Condition{{Code: "database_damaged", Severity: health.Serious, Args: map[string]string{"error": err.Error()}}}
		}
		if err != nil {
			return []health.Condition{{Code: "database_silent", Severity: health.Serious, Args: map[string]string{"error": err.Error()}}}
		}
		return nil
	}
}

// diskOf returns free and total bytes of the disk that a folder lies on.
func diskOf(dir string) (free, total int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
}

// checkDisk warns early: a hub without room takes no records, and boards keep
// them until it does again.
func checkDisk(dir string) health.Check {
	return func(context.Context) []health.Condition {
		free, total, err := diskOf(dir)
		if err != nil {
			return []health.Condition{{Code: "disk_unknown", Severity: health.Warning, Args: map[string]string{"error": err.Error()}}}
		}
		args := map[string]string{"free": fmt.Sprintf("%.1f GB", float64(free)/1e9)}
		switch {
		case free < fullDiskBytes:
			return []health.Condition{{Code: "disk_full", Severity: health.Serious, Args: args}}
		case free < min(lowDiskBytes, total/10):
			return []health.Condition{{Code: "disk_filling", Severity: health.Warning, Args: args}}
		}
		return nil
	}
}

// checkAssets says when the program was built without its page assets.
func checkAssets(missing func() []string) health.Check {
	return func(context.Context) []health.Condition {
		if files := missing(); len(files) > 0 {
			return []health.Condition{{Code: "page_assets_missing", Severity: health.Warning, Args: map[string]string{"files": strings.Join(files, ", ")}}}
		}
		return nil
	}
}

// checkIngest says when what boards say can't be kept.
func checkIngest(i *ingest.Ingest) health.Check {
	return func(context.Context) []health.Condition {
		if err := i.Health(); err != nil {
			return []health.Condition{{Code: "records_not_kept", Severity: health.Serious, Args: map[string]string{"error": err.Error()}}}
		}
		return nil
	}
}

package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/health"
)

// errEmptied says that a data folder lost its database: a new one in its place
// would let whoever comes first set the hub up.
var errEmptied = errors.New("this data folder has keys of a hub and no database, or an empty one: bring a backup back " +
	"(gourdian-hub restore FILE), or move the folder away to begin anew")

// checkFolder refuses a data folder whose database went missing, and to make
// keys in a new one while the clock is before the build of the program: a CA of
// 1970 would have ended before the first board sees it.
func checkFolder(c Config, build Build, now time.Time) error {
	if _, err := os.Stat(filepath.Join(c.Data, authorityName)); err != nil {
		if now.Before(build.Time) {
			return fmt.Errorf("the clock says %s, before this program was built: set it before the hub makes its keys", now.UTC().Format(time.DateOnly))
		}
		return nil // a new folder
	}
	if db.KindOf(c.DSN()) != db.SQLite {
		return nil
	}
	if info, err := os.Stat(c.DSN()); err == nil && info.Size() > 0 {
		return nil
	}
	return fmt.Errorf("open %s: %w", c.DSN(), errEmptied)
}

// checkClock says when the clock is before the hub was made: on a machine that
// keeps no time without power, until the network has set it.
func checkClock(now func() time.Time, made time.Time) health.Check {
	return func(context.Context) []health.Condition {
		if at := now(); at.Before(made) {
			return []health.Condition{{Code: "clock_behind", Severity: health.Serious, Args: map[string]string{"now": at.UTC().Format("2006-01-02 15:04")}}}
		}
		return nil
	}
}

// checkBlobs says when pictures and models can't be kept.
func checkBlobs(probe func() error) health.Check {
	return func(context.Context) []health.Condition {
		if err := probe(); err != nil {
			return []health.Condition{{Code: "pictures_not_kept", Severity: health.Serious, Args: map[string]string{"error": err.Error()}}}
		}
		return nil
	}
}

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/store"
	profiles "gourdian/firmware-profiles"
)

func TestDataFolderThatCanNotBeUsed(t *testing.T) {
	t.Parallel()
	well := folderFacts{path: "/data", there: true, owner: "gourdian", user: "gourdian", parent: "/data"}
	for name, c := range map[string]struct {
		spoil func(*folderFacts)
		codes []Code
	}{
		"well":                  {func(*folderFacts) {}, []Code{dataOK}},
		"read-only card":        {func(f *folderFacts) { f.access = syscall.EROFS }, []Code{dataReadonly}},
		"of another user":       {func(f *folderFacts) { f.access = syscall.EACCES }, []Code{dataReadonly}},
		"can not be made":       {func(f *folderFacts) { f.there, f.access, f.parent = false, syscall.EACCES, "/" }, []Code{dataReadonly}},
		"not made yet":          {func(f *folderFacts) { f.there = false }, []Code{dataNew}},
		"a file in its place":   {func(f *folderFacts) { f.file = true }, []Code{dataFile}},
		"a card that is broken": {func(f *folderFacts) { f.fault = syscall.EIO }, []Code{dataNoFolder}},
		"started as root once":  {func(f *folderFacts) { f.stranger = "/data/store/lock" }, []Code{dataOwner}},
		"in memory":             {func(f *folderFacts) { f.volatile = true }, []Code{dataVolatile}},
		"a sync that fails":     {func(f *folderFacts) { f.sync = syscall.EIO }, []Code{dataSync}},
		"two things at once":    {func(f *folderFacts) { f.volatile, f.sync = true, syscall.EIO }, []Code{dataVolatile, dataSync}},
	} {
		facts := well
		c.spoil(&facts)
		t.Run(name, func(t *testing.T) { wantAll(t, judgeFolder(facts), c.codes...) })
	}
}

func TestRealFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := lookAtFolder(dir, filepath.Join(dir, "store")); !f.there || f.access != nil || f.sync != nil || f.stranger != "" || f.owner == "" {
		t.Errorf("a good folder: %+v", f)
	}
	if f := lookAtFolder(filepath.Join(dir, "not", "yet"), ""); f.there || f.parent != dir || f.access != nil {
		t.Errorf("one that can be made: %+v", f)
	}
	if f := lookAtFolder(file, ""); !f.file {
		t.Errorf("a file: %+v", f)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("looking left something behind: %v, %v", entries, err)
	}
}

func TestLockTellsARunningAgent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	ask := func(want bool) {
		t.Helper()
		if locked, err := Locked(dir); locked != want || err != nil {
			t.Errorf("locked: %v, %v; want %v", locked, err, want)
		}
	}
	ask(false)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("asking made the folder")
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ask(true)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ask(false)
	if s, err = store.Open(store.Options{Dir: dir}); err != nil {
		t.Fatalf("asking keeps an agent out: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSlowAndDyingDisks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		speed diskSpeed
		code  Code
	}{
		"good":                   {diskSpeed{5 * time.Millisecond, 40 * time.Millisecond, 20}, diskOK},
		"slow for each record":   {diskSpeed{120 * time.Millisecond, 300 * time.Millisecond, 20}, diskSlow},
		"stops now and then":     {diskSpeed{5 * time.Millisecond, 2 * time.Second, 20}, diskSlow},
		"slow for long files":    {diskSpeed{5 * time.Millisecond, 40 * time.Millisecond, 0.8}, diskSlow},
		"a card before its end":  {diskSpeed{3 * time.Second, 9 * time.Second, 0.1}, diskCrawls},
		"slow in every respect":  {diskSpeed{200 * time.Millisecond, 2 * time.Second, 0.5}, diskSlow},
		"one that takes nothing": {diskSpeed{time.Hour, time.Hour, 0}, diskCrawls},
	} {
		t.Run(name, func(t *testing.T) { want(t, judgeDisk(c.speed), c.code) })
	}
}

func TestDiskTrialMeasuresAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	speed, err := tryDisk(t.Context(), dir, 2<<20)
	if err != nil || speed.p50 <= 0 || speed.p99 < speed.p50 || speed.mbs <= 0 {
		t.Errorf("%+v, %v", speed, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tryDisk(stopped, dir, 2<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("a trial that is stopped: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestTrialThatWasKilledIsTidiedAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left := filepath.Join(dir, trialPrefix+"1234")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "long"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tryDisk(t.Context(), dir, 1<<20); err != nil {
		t.Errorf("the next trial: %v", err)
	}
	if err := Tidy(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it is still there")
	}
}

func TestTwoTrialsAtOnceLeaveEachOtherAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := openTrial(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tryDisk(t.Context(), dir, 1<<20); err != nil {
		t.Errorf("the second: %v", err)
	}
	if _, err := os.Stat(first.dir); err != nil {
		t.Errorf("the second took the first one's folder away: %v", err)
	}
	if err := first.close(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestDiskThatCanNotBeTried(t *testing.T) {
	t.Parallel()
	want(t, (&Board{Data: filepath.Join(t.TempDir(), "nowhere")}).disk(t.Context()), diskNoFolder)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, (&Board{Data: file}).disk(t.Context()), diskBroken)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	const mb, quota = Size(1_000_000), 1280 * Size(1_000_000)
	for name, c := range map[string]struct {
		free, used Size
		code       Code
	}{
		"room for all":            {8000 * mb, 0, spaceOK},
		"quota nearly used":       {600 * mb, 1200 * mb, spaceOK},
		"quota beyond the disk":   {900 * mb, 100 * mb, spaceQuota},
		"little left":             {300 * mb, 1200 * mb, spaceLow},
		"full":                    {20 * mb, 1200 * mb, spaceFull},
		"full of others' things":  {20 * mb, 0, spaceFull},
		"nothing left, none used": {0, 0, spaceFull},
	} {
		t.Run(name, func(t *testing.T) { want(t, judgeSpace(c.free, c.used, quota), c.code) })
	}
}

func TestSpaceCountsWhatIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "picture.jpg"), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if used, err := usedIn(t.Context(), dir); err != nil || used != 5000 {
		t.Errorf("%d, %v", used, err)
	}
	if used, err := usedIn(t.Context(), filepath.Join(dir, "nowhere")); err != nil || used != 0 {
		t.Errorf("a folder that is not there: %d, %v", used, err)
	}
	// The farmer's own quota counts where the agent can be asked for it.
	huge := live.State{Store: live.Store{PictureQuota: 1 << 60}}
	b := &Board{Data: dir, Store: dir, Live: func() live.State { return huge }, Profile: profiles.Profile{Store: profiles.Store{PicturesMB: 1}}}
	if r := b.space(t.Context()); r.Code != spaceQuota && r.Code != spaceLow && r.Code != spaceFull {
		t.Errorf("%s with a quota of 2^60 bytes", r.Code)
	}
}

package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gourdian/internal/wire"
)

func TestPictureWithoutRoomCostsOnlyThePicture(t *testing.T) {
	t.Parallel()
	d := newFaultyDisk()
	s := start(t, small(t.TempDir()), d)
	d.order("write", noSpace())
	seq := add(t, s, 1, wire.Bad, 1000)
	e, err := s.Record(t.Context(), seq)
	if err != nil || e.Image != "" {
		t.Errorf("record %+v, %v", e, err)
	}
	if u := s.Usage(); u.Records != 1 || u.Pictures != 0 || u.PicturesNotKept != 1 || u.NotKept != 0 {
		t.Errorf("usage %+v", u)
	}
	d.order("write", nil)
	e, err = s.Record(t.Context(), add(t, s, 2, wire.Bad, 1000))
	if err != nil || e.Image == "" {
		t.Errorf("after recovery: %+v, %v", e, err)
	}
}

func TestFullDiskTakesPicturesThenRefusesThenRecovers(t *testing.T) {
	t.Parallel()
	d := newFaultyDisk()
	opts := small(t.TempDir())
	s := start(t, opts, d)
	for n := range 5 {
		add(t, s, n, wire.Good, 1000)
	}
	reserve := filepath.Join(opts.Dir, reserveName)
	if _, err := os.Stat(reserve); err != nil {
		t.Fatal(err)
	}

	d.setRoom(1 << 20) // of the 4 that are needed
	_, err := s.Append(t.Context(), sighting(6, wire.Bad), jpeg(6, 1000), 0, nil)
	if !errors.Is(err, ErrFull) {
		t.Errorf("append on a full disk: %v", err)
	}
	if _, err := os.Stat(reserve); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the reserve was not given back: %v", err)
	}
	u := s.Usage()
	if u.Records != 5 || u.Pictures != 0 || u.NotKept != 1 || !u.DiskFull || !u.Degraded {
		t.Errorf("usage %+v", u)
	}
	if _, err := s.Append(t.Context(), sighting(7, wire.Bad), nil, 0, nil); !errors.Is(err, ErrFull) {
		t.Errorf("second append on a full disk: %v", err)
	}
	if err := s.SaveSettings(t.Context(), []byte(`{}`)); err != nil {
		t.Errorf("a full disk must not keep the farmer from changing the quota: %v", err)
	}

	d.setRoom(5 << 20) // enough to store, but not for the reserve
	if _, err := s.Append(t.Context(), sighting(8, wire.Bad), nil, 0, nil); !errors.Is(err, ErrFull) {
		t.Errorf("append without a reserve: %v", err)
	}
	d.setRoom(-1)
	if seq := add(t, s, 9, wire.Bad, 1000); seq != 6 {
		t.Errorf("the number after recovery is %d, want 6: no gaps", seq)
	}
	u = s.Usage()
	if u.Records != 6 || u.Pictures != 1 || u.NotKept != 3 || u.Degraded {
		t.Errorf("usage after recovery %+v", u)
	}
	if _, err := os.Stat(reserve); err != nil {
		t.Errorf("the reserve did not come back: %v", err)
	}
	if left, _ := os.ReadDir(s.arrivals()); len(left) > 0 {
		t.Errorf("%d refused pictures were left behind", len(left))
	}
}

func TestFullRecordQuotaRefusesAndKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	opts := small(t.TempDir())
	opts.RecordQuotaMB = 1
	s, stop := startUntil(t, opts, realDisk{})
	s.mu.Lock()
	s.state.recordBytes = megabyte - 1500 // as after two thousand records
	s.mu.Unlock()
	var err error
	kept := uint64(0)
	for n := 0; err == nil && n < 10; n++ {
		if _, err = s.Append(t.Context(), sighting(n, wire.Good), nil, 0, nil); err == nil {
			kept++
		}
	}
	u := s.Usage()
	if !errors.Is(err, ErrFull) || kept == 0 || u.Records != kept || u.NotKept != 1 || !u.Degraded || u.DiskFull {
		t.Errorf("kept %d, %v, usage %+v", kept, err, u)
	}
	stop()
	s = start(t, opts, realDisk{})
	if u := s.Usage(); u.Records != kept || !u.Degraded {
		t.Errorf("usage after restart %+v", u)
	}
}

// TestDiskThatIsReallyFull fills a small file system from beside the store.
func TestDiskThatIsReallyFull(t *testing.T) {
	t.Parallel()
	if !mayMount() {
		inNamespace(t)
		return
	}
	dir := smallDisk(t, 24<<20)
	opts := small(dir)
	opts.MinFreeMB, opts.ReserveMB = 6, 4
	s, stop := startUntil(t, opts, realDisk{})
	for n := range 40 {
		add(t, s, n, wire.Good, 30_000)
	}
	before := s.Usage()
	if before.Degraded || before.Pictures != 40 {
		t.Fatalf("usage before %+v", before)
	}
	glut := filepath.Join(dir, "glut")
	fillDisk(t, glut)

	refused := 0
	for n := 40; n < 60; n++ {
		_, err := s.Append(t.Context(), sighting(n, wire.Bad), jpeg(n, 30_000), 0, nil)
		if errors.Is(err, ErrFull) {
			refused++
		} else if err != nil {
			t.Fatalf("append %d: %v", n, err)
		}
	}
	full := s.Usage()
	if refused != 20 || full.NotKept != 20 || full.Pictures != 0 || !full.DiskFull {
		t.Errorf("refused %d of 20, usage %+v", refused, full)
	}
	fillDisk(t, filepath.Join(dir, "more")) // takes the reserve too
	if _, err := s.Append(t.Context(), sighting(60, wire.Bad), nil, 0, nil); !errors.Is(err, ErrFull) {
		t.Errorf("append on an utterly full disk: %v", err)
	}
	if err := s.SaveSettings(t.Context(), []byte(`{}`)); !errors.Is(err, ErrFull) {
		t.Errorf("settings on an utterly full disk: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "more")); err != nil {
		t.Fatal(err)
	}
	stop() // a restart on the full disk
	s, stop = startUntil(t, opts, realDisk{})
	defer stop()
	if u := s.Usage(); u.Records != 40 || !u.DiskFull {
		t.Errorf("usage after a restart on the full disk %+v", u)
	}
	if err := os.Remove(glut); err != nil {
		t.Fatal(err)
	}
	for n := 60; n < 70; n++ {
		add(t, s, n, wire.Bad, 30_000)
	}
	checkConsistent(t, s, 50)
	if u := s.Usage(); u.Degraded || u.Pictures != 10 {
		t.Errorf("usage after recovery %+v", u)
	}
}

// smallDisk mounts a file system of its own.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// mayMount reports whether this process may mount; a child that was started by
// inNamespace may.
func mayMount() bool { return os.Geteuid() == 0 }

// inNamespace runs the calling test again as root of a namespace of its own.
func inNamespace(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("in a namespace of its own: %v", err)
	}
}

// fillDisk writes until nothing more fits.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); ; {
		_, err := f.Write(block)
		if errors.Is(err, unix.ENOSPC) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkConsistent holds that records are 1..n without gap or double, and that
// the counters of days and pictures equal them.
func checkConsistent(t *testing.T, s *Store, n int) {
	t.Helper()
	seen := map[uint64]bool{}
	counts := map[string]map[wire.Verdict]int{}
	for before := uint64(0); ; {
		page, err := s.Records(t.Context(), Query{Before: before, Limit: MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if seen[e.Seq] {
				t.Errorf("record %d is there twice", e.Seq)
			}
			seen[e.Seq] = true
			date := e.CapturedAt.Format(dateForm)
			if counts[date] == nil {
				counts[date] = map[wire.Verdict]int{}
			}
			counts[date][e.Verdict]++
			before = e.Seq
		}
		if len(page) < MaxLimit {
			break
		}
	}
	for seq := range uint64(n) {
		if !seen[seq+1] {
			t.Errorf("record %d is missing", seq+1)
		}
	}
	if len(seen) != n {
		t.Errorf("%d records, want %d", len(seen), n)
	}
	days, err := s.Days(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(days) != len(counts) {
		t.Errorf("%d days are counted, records have %d", len(days), len(counts))
	}
	for _, day := range days {
		for v, c := range counts[day.Date] {
			if day.Counts[v] != c {
				t.Errorf("%s: %d %s are counted, records have %d", day.Date, day.Counts[v], v, c)
			}
		}
	}
	checkShelf(t, s)
}

// checkShelf holds that the pictures' figures are those of the files.
func checkShelf(t *testing.T, s *Store) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.opts.Dir, picturesName, "*", "*"+pictureEnd))
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		bytes += info.Size()
	}
	if u := s.Usage(); u.Pictures != uint64(len(files)) || u.PictureBytes != bytes {
		t.Errorf("%d pictures of %d bytes are counted, %d files of %d bytes are there", u.Pictures, u.PictureBytes, len(files), bytes)
	}
}

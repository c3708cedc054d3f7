package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"gourdian/internal/wire"
)

// A kill shows only what the kernel had; this shows what the disk had. The
// child is traced, and its calls are read in their order: between two
// acknowledgements there must be the syncs of the picture, of the arrivals'
// folder, of Badger's log and of the picture's own folder.

const syncedEnv = "GOURDIAN_STORE_SYNCED"

const syncedAppends = 5

// appendSynced is the traced child: it acknowledges each append with one write
// on stdout.
func appendSynced(dir string) error {
	s, err := Open(small(dir))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	fmt.Println("ready")
	for n := range syncedAppends {
		if _, err := s.Append(ctx, sighting(n, wire.Bad), jpeg(n, 1000), 0, nil); err != nil {
			return err
		}
		fmt.Println("kept")
	}
	cancel()
	return errors.Join(<-ended, s.Close())
}

func TestAcknowledgedMeansSynced(t *testing.T) {
	t.Parallel()
	calls := traced(t, syncedEnv+"="+t.TempDir())
	rounds := strings.Split(calls, "w") // by acknowledgement; before "ready" and after the last one anything goes
	if len(rounds) < 2+syncedAppends {
		t.Fatalf("calls %q", calls)
	}
	for i, calls := range rounds[1 : 1+syncedAppends] {
		if logs, files := strings.Count(calls, "m"), strings.Count(calls, "f"); logs < 1 || files < 3 {
			t.Errorf("append %d was acknowledged after %q (m: log synced, f: file or folder synced)", i, calls)
		}
	}
}

// traced runs this test binary under ptrace and returns its calls in order: w
// for a write to stdout, m for a finished msync, f for a finished fsync.
func traced(t *testing.T, env string) string {
	t.Helper()
	result := make(chan string, 1)
	go func() { // ptrace binds a child to one thread, which ends with this goroutine
		runtime.LockOSThread()
		calls, err := trace(env)
		if err != nil {
			t.Errorf("trace: %v", err)
		}
		result <- calls
	}()
	return <-result
}

func trace(env string) (string, error) {
	out, err := os.CreateTemp("", "synced")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &status, 0, nil); err != nil {
		return "", err
	}
	options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(cmd.Process.Pid, options); err != nil {
		return "", err
	}
	calls, code, err := follow(cmd.Process.Pid)
	if err == nil && code != 0 {
		said := bufio.NewScanner(out)
		_, err = out.Seek(0, 0)
		for said.Scan() {
			err = errors.Join(err, errors.New(said.Text()))
		}
		err = errors.Join(fmt.Errorf("the child ended with %d", code), err)
	}
	return calls, err
}

// follow lets the threads of a traced process run until it ends.
func follow(pid int) (string, int, error) {
	var calls strings.Builder
	entered := map[int]byte{} // by thread
	for tid, pass := pid, 0; ; {
		if err := unix.PtraceSyscall(tid, pass); err != nil && !errors.Is(err, unix.ESRCH) {
			return "", 0, err
		}
		var status unix.WaitStatus
		var err error
		for {
			if tid, err = unix.Wait4(-1, &status, unix.WALL, nil); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if err != nil {
			return "", 0, err
		}
		pass = 0
		switch {
		case status.Exited() && tid == pid:
			return calls.String(), status.ExitStatus(), nil
		case status.Stopped() && status.StopSignal() == unix.SIGTRAP|0x80:
			if letter := finished(tid, entered); letter != 0 {
				calls.WriteByte(letter)
			}
		case status.Stopped() && status.StopSignal() != unix.SIGTRAP && status.StopSignal() != unix.SIGSTOP:
			pass = int(status.StopSignal())
		}
	}
}

// finished returns the letter of a call that ends with this stop of a thread.
// A write counts when it begins: all before it must be done by then.
func finished(tid int, entered map[int]byte) byte {
	var info [88]byte // struct ptrace_syscall_info: op at 0, nr at 24, args from 32
	unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), uintptr(len(info)), uintptr(unsafe.Pointer(&info)), 0, 0)
	const entry, exit = 1, 2
	switch info[0] {
	case entry:
		switch nr, first := binary.NativeEndian.Uint64(info[24:]), binary.NativeEndian.Uint64(info[32:]); {
		case nr == unix.SYS_WRITE && first == 1:
			return 'w'
		case nr == unix.SYS_MSYNC:
			entered[tid] = 'm'
		case nr == unix.SYS_FSYNC || nr == unix.SYS_FDATASYNC:
			entered[tid] = 'f'
		}
	case exit:
		letter := entered[tid]
		delete(entered, tid)
		return letter
	}
	return 0
}

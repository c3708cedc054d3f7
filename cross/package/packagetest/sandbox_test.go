//go:build packages

package packagetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mostExposed is how much the unit may be open to, by systemd's own count from 0
// to 10. What is left: a network, cameras, and the question for the clock.
const mostExposed = 2.5

func TestUnitsAreClosedByTheirOwnManagersCount(t *testing.T) {
	for _, unit := range []string{agentUnit, hubUnit} {
		said, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unit).CombinedOutput()
		if err != nil {
			t.Fatalf("systemd-analyze: %v\n%s", err, said)
		}
		match := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(said)
		var exposed float64
		if match == nil {
			t.Fatalf("systemd-analyze gives no count:\n%s", said)
		}
		if _, err := fmt.Sscan(string(match[1]), &exposed); err != nil || exposed > mostExposed {
			t.Errorf("%s: exposed %s, at most %v: %v\n%s", unit, match[1], mostExposed, err, said)
		}
		t.Logf("%s: exposed %s", unit, match[1])
	}
}

// There is no systemd in the clean Debian. What its filter would refuse is seen
// by tracing every system call of the agent and its workers from start to stop.
func TestUnitForbidsNothingThatTheBoardDoes(t *testing.T) {
	r := newRoot(t)
	first, _ := packages(t, "gourdian")
	r.install(first...)
	r.must("/usr/bin/gourdian-agent", "install-model", r.makeModel())
	r.makeRow()
	r.addCamera()
	trace := filepath.Join(t.TempDir(), "trace")
	s := r.start(trace)
	until(t, "sightings are kept", func() bool { return len(s.records()) >= 2 })
	s.stopTraced()

	s.unit.checkTrace(t, trace, "/usr/bin/gourdian-agent", "execve", "openat", "futex", "adjtimex", "prlimit64", "clone3")
}

// checkTrace looks for what the unit would have refused of what a program did
// that it started, and for calls that show that the trace is of it.
func (u unit) checkTrace(t *testing.T, trace, program string, must ...string) {
	t.Helper()
	calls, odd := u.readTrace(t, trace, program)
	for _, call := range must {
		if !calls[call] {
			t.Errorf("the trace has no %s: it does not show %s", call, program)
		}
	}
	allowed := u.allowedCalls(t)
	for call := range calls {
		if !allowed[call] {
			t.Errorf("the unit forbids %s, which %s calls", call, program)
		}
	}
	for _, line := range odd {
		t.Errorf("the unit forbids what %s does: %s", program, line)
	}
}

// readTrace lists the system calls since the program began, and those with
// arguments that another setting forbids: memory that is written and run, and
// sockets of other families.
func (u unit) readTrace(t *testing.T, path, program string) (calls map[string]bool, odd []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	families := strings.Fields(u.one(t, "Service", "RestrictAddressFamilies"))
	calls = map[string]bool{}
	line := regexp.MustCompile(`^\d+ +(\w+)\((.*)`)
	socket := regexp.MustCompile(`^(AF_\w+)`)
	began := false
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		match := line.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		call, args := match[1], match[2]
		began = began || call == "execve" && strings.Contains(args, strconv.Quote(program))
		if !began {
			continue // of chroot, which systemd is in real life
		}
		calls[call] = true
		family := socket.FindString(args)
		switch {
		case call == "socket" && !slices.Contains(families, family),
			(call == "mmap" || call == "mprotect") && strings.Contains(args, "PROT_WRITE") && strings.Contains(args, "PROT_EXEC"),
			call == "mprotect" && strings.Contains(args, "PROT_EXEC"):
			odd = append(odd, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls, odd
}

// allowedCalls adds up the unit's filters as systemd does: each line allows, or
// takes away what begins with a tilde.
func (u unit) allowedCalls(t *testing.T) map[string]bool {
	t.Helper()
	sets := syscallSets(t)
	allowed := map[string]bool{}
	var apply func(name string, allow bool)
	apply = func(name string, allow bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = allow
			return
		}
		for _, member := range sets[name] {
			apply(member, allow)
		}
	}
	apply("@default", true) // always
	for _, filter := range u.all("Service", "SystemCallFilter") {
		filter, deny := strings.CutPrefix(filter, "~")
		for _, name := range strings.Fields(filter) {
			apply(name, !deny)
		}
	}
	return allowed
}

// syscallSets are the named sets of this machine's systemd.
func syscallSets(t *testing.T) map[string][]string {
	t.Helper()
	said, err := exec.Command("systemd-analyze", "syscall-filter").Output()
	if err != nil {
		t.Fatalf("systemd-analyze: %v", err)
	}
	sets := map[string][]string{}
	name := ""
	for text := range strings.Lines(string(said)) {
		switch trimmed := strings.TrimSpace(text); {
		case trimmed == "" || trimmed[0] == '#':
		case text[0] == '@':
			name = trimmed
		case text[0] == ' ' && name != "":
			sets[name] = append(sets[name], trimmed)
		}
	}
	if len(sets["@system-service"]) == 0 {
		t.Fatal("systemd-analyze names no sets of system calls")
	}
	return sets
}

//go:build workers

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gourdian/internal/testbed"
	"gourdian/scripts/bench/cputime"
)

const (
	// idleEnv is how many minutes a board is left alone. In 60 there is what comes
	// once an hour as well.
	idleEnv     = "GOURDIAN_IDLE_MINUTES"
	idleMinutes = 10
	lookEvery   = 5 * time.Second
)

// BenchmarkIdle leaves a board alone that has joined a hub, before a thing that
// does not change, and says what crosses its network in a day and what memory hub
// and board take: resident, in MB (2^20 bytes), mapped files included, the
// largest sample. Bytes are those of the connections, TLS included, without the
// headers of TCP and IP. Run it with -benchtime 1x.
func BenchmarkIdle(b *testing.B) {
	minutes := idleMinutes
	if text := os.Getenv(idleEnv); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	bundles, pictures := train(b, 1)
	r := newRig(b)
	r.promote(bundles[0])
	one := r.addBoard("north", bundles[0], still(b, pictures)+"?loop=1&fps=1")
	r.until("the board on the hub", func() bool {
		var known struct{ Online bool }
		return r.try(http.MethodGet, r.hub.Plain+"/api/v1/boards/"+one.device, nil, &known) == nil && known.Online
	})

	upBefore, downBefore := one.relay.Bytes()
	before := r.stream(one)
	most := map[string]float64{}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	began := time.Now()
	for time.Since(began) < time.Duration(minutes)*time.Minute {
		<-ticker.C
		remember(b, most, "hub", r.hub.Process)
		remember(b, most, "board", one.Process)
	}
	up, down := one.relay.Bytes()
	days := time.Since(began).Hours() / 24

	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(up-upBefore)/days/1000, "kB-up/day")
	b.ReportMetric(float64(down-downBefore)/days/1000, "kB-down/day")
	b.ReportMetric(float64(r.stream(one).Through-before.Through), "records")
	for name, mb := range most {
		b.ReportMetric(mb, name+"-MB")
	}
}

// promote makes a bundle what the hub answers with.
func (r *rig) promote(bundle string) {
	r.t.Helper()
	for _, args := range [][]string{
		{"model", "push", bundle, "--hub", r.hub.Plain},
		{"model", "promote", "1", "--hub", r.hub.Plain, "--reason", "the only one"},
	} {
		c := exec.CommandContext(r.t.Context(), testbed.Program(r.t, "gourdianctl"), args...)
		c.Env = append(os.Environ(), "GOURDIAN_TOKEN="+r.hub.Token)
		if said, err := c.CombinedOutput(); err != nil {
			r.t.Fatalf("%s: %v\n%s", args[1], err, said)
		}
	}
}

// still is a folder of one picture.
func still(t testing.TB, pictures string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	file, err := filepath.EvalSymlinks(filepath.Join(pictures, "00000.jpg"))
	if err == nil {
		err = os.Symlink(file, filepath.Join(dir, "0.jpg"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// remember keeps the largest memory of a program and of its workers, and of all
// of them together.
func remember(t testing.TB, most map[string]float64, name string, p *Process) {
	t.Helper()
	tree, err := cputime.Tree(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, pid := range tree {
		program, mb := resident(t, pid)
		sums[name+"-"+strings.TrimPrefix(program, "gourdian-")] += mb
		sums[name+"-all"] += mb
	}
	for key, mb := range sums {
		most[key] = max(most[key], mb)
	}
}

// resident is what the kernel says of a process: the name of its program, which
// it cuts at 15 bytes, and MB in memory.
func resident(t testing.TB, pid int) (program string, mb float64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?s)^Name:\s+(\S+).*\nVmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("process %d says nothing of its memory", pid)
	}
	kb, err := strconv.ParseFloat(string(found[2]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return string(found[1]), kb / 1024
}

//go:build packages

package packagetest

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gourdian/agent"
	"gourdian/cloud"
	"gourdian/internal/e2e"
)

const (
	hubUser    = "gourdian-hub"
	backups    = "/var/lib/gourdian/hub-backups"
	backupUnit = "../hub/gourdian-hub-backup.service"
)

// hub is the installed hub on ports that were free.
type hub struct {
	r                     *root
	secure, plain, broker string // host:port
	token                 string // of a program
	running               *running
}

func (r *root) newHub() *hub {
	h := &hub{r: r}
	for _, address := range []*string{&h.secure, &h.plain, &h.broker} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			r.t.Fatal(err)
		}
		defer l.Close()
		*address = l.Addr().String()
	}
	return h
}

// start starts the unit; trace is as in startUnit.
func (h *hub) start(trace string) {
	h.r.t.Helper()
	h.running = h.r.startUnit(hubUnit, trace, "GOURDIAN_HUB_LISTEN="+h.secure, "GOURDIAN_HUB_LISTEN_PLAIN="+h.plain,
		"GOURDIAN_HUB_LISTEN_MQTT="+h.broker, "GOURDIAN_HUB_ADDRESS=https://"+h.secure)
	h.running.url = "http://" + h.plain
	if said := h.running.page("/healthz"); !strings.Contains(said, `"status":"ok"`) {
		h.r.t.Errorf("ready, and /healthz says %s", said)
	}
}

// ask asks the hub as a program.
func (h *hub) ask(method, path string, body, into any) {
	t := h.r.t
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.plain+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+h.token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatalf("%s: %s", path, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// boards are those that the hub knows, and whether each is connected.
func (h *hub) boards() map[string]bool {
	h.r.t.Helper()
	var list struct {
		Boards []struct {
			Name   string
			Online bool
		}
	}
	h.ask(http.MethodGet, "/api/v1/boards", nil, &list)
	known := map[string]bool{}
	for _, b := range list.Boards {
		known[b.Name] = b.Online
	}
	return known
}

func TestLifeOfAnInstalledHub(t *testing.T) {
	r := newRoot(t)
	first, second := packages(t, "gourdian", "gourdian-hub")
	before, accounts := r.files(), r.accounts()

	r.checkInstalledHub(r.install(first...))
	h := r.newHub()
	h.start("")
	h.checkSetUp()
	h.checkJoin()
	h.running.stop()

	if said := r.install(second...); !strings.Contains(said, "gourdian-hub backup") || strings.Contains(said, "What is left to do") {
		t.Errorf("the upgrade does not speak of backups, or speaks as a first installation does:\n%s", said)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	h.start(trace)
	if known := h.boards(); len(known) != 1 {
		t.Errorf("boards after the upgrade: %v", known)
	}
	if said := h.running.said(); strings.Contains(said, "/link/") {
		t.Errorf("a hub that is set up prints a link:\n%s", said)
	}
	until(t, "the decoder runs", func() bool { return strings.Contains(h.running.said(), "worker is up") })
	h.ask(http.MethodPost, "/api/v1/join-tokens", map[string]any{"site": "Field"}, &struct{}{}) // something to write
	r.checkBackup()
	h.running.stopTraced()
	h.running.unit.checkTrace(t, trace, "/usr/bin/gourdian-hub", "execve", "openat", "futex", "pwrite64", "bind", "clone3")

	r.checkHubRemoval(before, accounts)
}

// checkInstalledHub looks at what is there before anything runs.
func (r *root) checkInstalledHub(said string) {
	t := r.t
	t.Helper()
	if !strings.Contains(said, "journalctl -u gourdian-hub") {
		t.Errorf("the installation does not say what is left to do:\n%s", said)
	}
	for name, want := range map[string]string{
		cloud.InstalledConfig:                             "root:gourdian-hub 640",
		cloud.InstalledData:                               "gourdian-hub:gourdian-hub 750",
		agent.InstalledData:                               "gourdian:gourdian 750",
		"/usr/bin/gourdian-hub":                           "root:root 755",
		"/lib/systemd/system/gourdian-hub.service":        "root:root 644",
		"/lib/systemd/system/gourdian-hub-backup.timer":   "root:root 644",
		"/usr/share/doc/gourdian-hub/go-packages.txt":     "root:root 644",
		"/usr/share/doc/gourdian-workers/go-packages.txt": "root:root 644",
	} {
		if got := r.owner(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if groups := strings.Fields(r.must("/usr/bin/id", "-Gn", hubUser)); !slices.Equal(groups, []string{hubUser}) {
		t.Errorf("the hub's user is in %v", groups)
	}
	wants := "/etc/systemd/system/multi-user.target.wants/gourdian-hub.service"
	if !r.has(wants) || r.has("/etc/systemd/system/timers.target.wants/gourdian-hub-backup.timer") {
		t.Error("the hub is not enabled, or its backups are without having been asked for")
	}
}

// checkSetUp opens the link that the journal would show.
func (h *hub) checkSetUp() {
	t := h.r.t
	t.Helper()
	link := regexp.MustCompile(`http://` + regexp.QuoteMeta(h.plain) + `/link/\S+`)
	until(t, "the set-up link", func() bool { return link.MatchString(h.running.said()) })
	var err error
	if _, h.token, err = e2e.SetUp(t.Context(), "http://"+h.plain, link.FindString(h.running.said())); err != nil {
		t.Fatal(err)
	}
	if _, status := h.running.manager.heard("STATUS="); !strings.Contains(status, "All well. Boards connected: 0.") {
		t.Errorf("the last status is %q", status)
	}
	until(t, "the hub beats", func() bool { n, _ := h.running.manager.heard("WATCHDOG=1"); return n >= 3 })
}

// checkJoin lets the board of the other package join.
func (h *hub) checkJoin() {
	t := h.r.t
	t.Helper()
	var token struct{ Token string }
	h.ask(http.MethodPost, "/api/v1/join-tokens", map[string]any{"site": "Field"}, &token)
	join := h.r.command(t.Context(), "/usr/bin/gourdian-agent", "join", token.Token, "--name", "Row 1")
	join.SysProcAttr.Credential = h.r.credential("gourdian")
	if said, err := join.CombinedOutput(); err != nil {
		t.Fatalf("join: %v\n%s", err, said)
	}
	board := h.r.start("")
	until(t, "the board is connected", func() bool { return h.boards()["Row 1"] })
	board.stop()
}

// checkBackup does what the unit of the nightly backup does, while the hub runs.
func (r *root) checkBackup() {
	t := r.t
	t.Helper()
	u := readUnit(t, backupUnit)
	_, script, found := strings.Cut(u.one(t, "Service", "ExecStart"), "/bin/sh -c ")
	if user := u.one(t, "Service", "User"); !found || user != hubUser || "/var/lib/"+u.one(t, "Service", "StateDirectory") != backups {
		t.Fatalf("the unit of backups is of %s and does %q", user, script)
	}
	r.must("/usr/bin/install", "-d", "-o", hubUser, "-g", hubUser, "-m", "0750", backups)
	c := r.command(t.Context(), "/bin/sh", "-c", strings.ReplaceAll(strings.Trim(script, "'"), "%%", "%"))
	c.Env = append(c.Env, "STATE_DIRECTORY="+backups)
	c.SysProcAttr.Credential = r.credential(hubUser)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("back up: %v\n%s", err, said)
	}
	made, err := filepath.Glob(r.path(backups + "/hub-2*Z.tar"))
	if err != nil || len(made) != 1 {
		t.Fatalf("backups: %v, %v", made, err)
	}
	if info, err := os.Stat(made[0]); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 10_000 {
		t.Errorf("the backup: %v, %v", info, err)
	}
}

// checkHubRemoval expects data to outlive the removal and backups the purge.
func (r *root) checkHubRemoval(before, accounts []string) {
	t := r.t
	t.Helper()
	r.apt("remove", "gourdian-hub")
	for _, name := range []string{"/usr/bin/gourdian-hub", "/lib/systemd/system/gourdian-hub.service"} {
		if r.has(name) {
			t.Errorf("left after removal: %s", name)
		}
	}
	for _, name := range []string{cloud.InstalledConfig, cloud.InstalledData + "/hub.sqlite", cloud.InstalledData + "/ca", "/usr/bin/gourdian-agent"} {
		if !r.has(name) {
			t.Errorf("gone with the removal: %s", name)
		}
	}
	r.apt("purge", "gourdian-hub")
	if r.has(cloud.InstalledData) || !r.has(backups) {
		t.Errorf("after purge: data there %v, backups there %v", r.has(cloud.InstalledData), r.has(backups))
	}
	r.apt("purge", "gourdian")
	for _, made := range []string{backups, "/var/lib/gourdian", "/run/" + filepath.Base(agentUnit), "/run/" + filepath.Base(hubUnit)} {
		if err := os.RemoveAll(r.path(made)); err != nil {
			t.Fatal(err)
		}
	}
	r.checkPurged(before, accounts)
}

//go:build packages

package packagetest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gourdian/agent"
)

// packages are those to install and those to upgrade to: the workers' and the
// named ones.
func packages(t *testing.T, names ...string) (first, second []string) {
	t.Helper()
	version := os.Getenv("GOURDIAN_PACKAGE_VERSION")
	if version == "" {
		t.Fatal("GOURDIAN_PACKAGE_VERSION is not set: run `make test-packages`")
	}
	for _, name := range append([]string{"gourdian-workers"}, names...) {
		start := filepath.Join(checkout, "dist", name+"_"+version)
		first, second = append(first, start+"_amd64.deb"), append(second, start+"+upgrade_amd64.deb")
	}
	return first, second
}

// folderCamera is a config as an admin edits it.
const folderCamera = "cameras:\n  - id: row-1\n    name: Row 1\n    source: folder:/srv/row?loop=1&fps=5\n    fps: 5\n"

// addCamera edits the config.
func (r *root) addCamera() {
	r.t.Helper()
	r.write(agent.InstalledConfig, strings.Replace(r.read(agent.InstalledConfig), "cameras: []\n", folderCamera, 1), 0o640)
}

func TestLifeOfAnInstalledBoard(t *testing.T) {
	r := newRoot(t)
	first, second := packages(t, "gourdian")
	before, accounts := r.files(), r.accounts()

	r.checkInstalled(r.install(first...))
	bundle := r.checkFirstStart()
	r.addCamera()
	device, newest := r.checkVerdicts()
	r.checkUpgrade(second, device, newest)
	r.checkRemoval(bundle)

	r.apt("purge", "gourdian")
	for _, made := range []string{"/srv/patch", "/srv/row", bundle, "/root/backbone.pth", "/root/cache", "/run/" + filepath.Base(agentUnit)} {
		if err := os.RemoveAll(r.path(made)); err != nil {
			t.Fatal(err)
		}
	}
	r.checkPurged(before, accounts)
}

// checkPurged compares files and accounts with those before the installation.
func (r *root) checkPurged(before, accounts []string) {
	t := r.t
	t.Helper()
	r.must("/usr/bin/dpkg", "--purge", "gourdian-workers") // apt knows no package that is removed and has no source
	for _, name := range r.files() {
		// adduser keeps copies of the lists that it changes, and its lock.
		if !slices.Contains(before, name) && !strings.HasSuffix(name, "-") && name != "/run/adduser" {
			t.Errorf("left after purge: %s", name)
		}
	}
	if left := r.accounts(); !slices.Equal(left, accounts) {
		t.Errorf("accounts after purge: %q, before %q", left, accounts)
	}
}

// checkInstalled looks at what is there before anything runs.
func (r *root) checkInstalled(said string) {
	t := r.t
	t.Helper()
	if !strings.Contains(said, "gourdian-agent install-model") {
		t.Errorf("the installation does not say what is left to do:\n%s", said)
	}
	if said := r.must("/usr/bin/dpkg", "--verify", "gourdian", "gourdian-workers"); strings.TrimSpace(said) != "" {
		t.Errorf("installed files are not those of the package:\n%s", said)
	}
	for name, want := range map[string]string{
		agent.InstalledConfig:                                 "root:gourdian 640",
		agent.InstalledData:                                   "gourdian:gourdian 750",
		"/usr/bin/gourdian-agent":                             "root:root 755",
		"/usr/lib/gourdian/gourdian-camera":                   "root:root 755",
		"/lib/systemd/system/gourdian-agent.service":          "root:root 644",
		"/lib/udev/rules.d/60-gourdian.rules":                 "root:root 644",
		"/usr/share/doc/gourdian/copyright":                   "root:root 644",
		"/usr/share/doc/gourdian/go-packages.txt":             "root:root 644",
		"/usr/lib/gourdian/libonnxruntime.so.1.32.0":          "root:root 644",
		"/usr/share/doc/gourdian-workers/onnxruntime-LICENSE": "root:root 644",
		"/usr/share/doc/gourdian-workers/go-packages.txt":     "root:root 644",
	} {
		if got := r.owner(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if groups := strings.Fields(r.must("/usr/bin/id", "-Gn", "gourdian")); !slices.Contains(groups, "video") || slices.Contains(groups, "root") {
		t.Errorf("the service's user is in %v", groups)
	}
	if !r.has("/etc/systemd/system/multi-user.target.wants/gourdian-agent.service") {
		t.Error("the service is not enabled")
	}
}

// checkFirstStart starts the board as it is after the installation: no camera,
// no model. It gets its model while it runs.
func (r *root) checkFirstStart() (bundle string) {
	t := r.t
	t.Helper()
	bundle = r.makeModel()
	r.makeRow()
	s := r.start("")
	pages := s.page("/") + s.page("/health")
	for _, words := range []string{agent.InstalledConfig, "There is no model at " + agent.InstalledData + "/model.gourdian", "gourdian-agent install-model"} {
		if !strings.Contains(pages, words) {
			t.Errorf("the pages of an empty board do not say %q", words)
		}
	}
	if said := r.must("/usr/bin/gourdian-agent", "install-model", bundle); !strings.Contains(said, "is installed as") {
		t.Errorf("install-model said %s", said)
	}
	if got := r.owner(agent.InstalledData + "/model.gourdian"); got != "gourdian:gourdian 640" {
		t.Errorf("the model is %s", got)
	}
	until(t, "the model runs without a restart", func() bool { return s.provider() != "" })
	s.stop()
	return bundle
}

// checkVerdicts starts the board with a camera, sees sightings and hears beats.
func (r *root) checkVerdicts() (device string, newest uint64) {
	t := r.t
	t.Helper()
	s := r.start("")
	until(t, "sightings are kept", func() bool { return len(s.records()) >= 3 })
	until(t, "the service beats", func() bool { n, _ := s.manager.heard("WATCHDOG=1"); return n >= 3 })
	if _, status := s.manager.heard("STATUS="); !strings.Contains(status, "Camera live") {
		t.Errorf("the last status is %q", status)
	}
	if !strings.Contains(s.page("/"), "Row 1") {
		t.Error("the page does not name the camera")
	}
	records := s.records()
	s.stop()
	for _, record := range records {
		if record.Camera != "row-1" || record.Verdict == "" {
			t.Errorf("record %+v", record)
		}
	}
	return records[0].Device, records[0].Seq
}

// checkUpgrade installs a higher version over an edited config and records.
func (r *root) checkUpgrade(pkgs []string, device string, newest uint64) {
	t := r.t
	t.Helper()
	config := r.read(agent.InstalledConfig)
	if said := r.install(pkgs...); strings.Contains(said, "What is left to do") {
		t.Error("an upgrade speaks as a first installation does")
	}
	if got := r.must("/usr/bin/dpkg-query", "-W", "-f", "${Version}", "gourdian"); !strings.HasSuffix(got, "+upgrade") {
		t.Errorf("version after the upgrade is %s", got)
	}
	if got := r.read(agent.InstalledConfig); got != config || r.owner(agent.InstalledConfig) != "root:gourdian 640" {
		t.Errorf("the upgrade changed the config, %s:\n%s", r.owner(agent.InstalledConfig), got)
	}
	s := r.start("")
	records := s.records()
	if len(records) == 0 || records[0].Seq < newest || records[0].Device != device {
		t.Errorf("newest records after the upgrade: %+v; before, number %d of device %s", records, newest, device)
	}
	s.stop()
}

// checkRemoval removes the package and expects config and data to stay.
func (r *root) checkRemoval(bundle string) {
	t := r.t
	t.Helper()
	r.apt("remove", "gourdian", "gourdian-workers")
	for _, name := range []string{"/usr/bin/gourdian-agent", "/usr/bin/gourdianctl", "/usr/lib/gourdian", "/lib/systemd/system/gourdian-agent.service"} {
		if r.has(name) {
			t.Errorf("left after removal: %s", name)
		}
	}
	for _, name := range []string{agent.InstalledConfig, agent.InstalledData + "/model.gourdian", agent.InstalledData + "/store/records"} {
		if !r.has(name) {
			t.Errorf("gone with the removal: %s", name)
		}
	}
}

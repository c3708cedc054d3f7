package meta

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// adr holds a line with licence and reason for every direct dependency.
const adr = "docs/adr/0001-dependencies.md"

// home names the folders in which a third-party module may be imported. One
// place that knows a library is one place to change when it changes, and one
// to look at when it fails.
type home struct {
	module    string
	dirs      []string // with everything below them
	tests     []string // tests in these folders as well
	testsOnly bool     // tests anywhere, nothing else
	reason    string
}

func homes() []home {
	return []home{
		{module: "github.com/gin-gonic/gin", dirs: []string{"agent/internal/page", "cloud/internal/api", "cloud/internal/console"},
			reason: "HTTP routing is a matter of pages; the rest of the program speaks domain types"},
		{module: "github.com/dgraph-io/badger/v4", dirs: []string{"agent/internal/store"},
			reason: "the store alone knows keys, transactions and syncs"},
		{module: "gocloud.dev", dirs: []string{"cloud/internal/blob"},
			reason: "where pictures and bundles lie is known in one place"},
		{module: "github.com/eclipse/paho.mqtt.golang", dirs: []string{"agent/internal/uplink", "cloud/internal/broker/brokertest"}, tests: []string{"cloud/internal/broker", "cloud/internal/ingest"},
			reason: "what an acknowledgement is worth is decided in one place; the hub's broker is tested with the client that boards use"},
		{module: "github.com/mochi-mqtt/server/v2", dirs: []string{"cloud/internal/broker"}, tests: []string{"agent/internal/uplink"},
			reason: "the broker is behind an interface of ours, so that another one can take its place; a board's link is tested against it"},
		{module: "gocv.io/x/gocv", dirs: []string{"internal/capture/cv"},
			reason: "OpenCV lives in the camera worker behind the source contract"},
		{module: "github.com/yalue/onnxruntime_go", dirs: []string{"internal/infer/ort"},
			reason: "ONNX Runtime lives in the inference worker behind the Runner contract"},
		{module: "github.com/go-viper/mapstructure", dirs: []string{"internal/configfile"},
			reason: "koanf's decoder, named to make it refuse unknown keys"},
		{module: "github.com/goreleaser/nfpm", dirs: []string{"cross/package/deb"},
			reason: "it makes Debian packages, in a module of its own that no program is built from"},
		{module: "github.com/knadh/koanf", dirs: []string{"internal/configfile"},
			reason: "each program reads its configuration once, into its typed struct"},
		{module: "github.com/sigstore/sigstore", dirs: []string{"internal/keyring"},
			reason: "keys sign in one place"},
		{module: "github.com/theupdateframework/go-tuf/v2", dirs: []string{"agent/internal/update", "cloud/internal/trust", "internal/keyring"},
			reason: "what is signed and what is believed is decided in three places: where keys are made, where models are vouched for, where a board checks"},
		{module: "github.com/spf13/cobra", dirs: []string{"cmd"},
			reason: "command lines belong to mains"},
		{module: "github.com/prometheus/client_golang", dirs: []string{"agent/internal/page", "cloud/internal/api"},
			reason: "parts count in plain numbers; one place gives them to Prometheus"},
		{module: "github.com/alexedwards/scs/v2", dirs: []string{"cloud/internal/people"},
			reason: "who is logged in is asked of one package"},
		{module: "github.com/jackc/pgx/v5", dirs: []string{"cloud/internal/db"},
			reason: "which databases there are is known in one place"},
		{module: "github.com/parquet-go/parquet-go", dirs: []string{"cloud/internal/table"}, tests: []string{"cloud/internal/sample", "cloud/internal/ingest"},
			reason: "how rows become a file is known in one place; tests read the files back as other programs do"},
		{module: "github.com/pressly/goose/v3", dirs: []string{"cloud/internal/db"},
			reason: "tables change when the database is opened and at no other time"},
		{module: "github.com/riverqueue/river", dirs: []string{"cloud/internal/db", "cloud/internal/job"},
			reason: "jobs are queued and worked on in one place; the rest of the hub knows kinds of jobs"},
		{module: "modernc.org/sqlite", dirs: []string{"cloud/internal/db"},
			reason: "which databases there are is known in one place"},
		{module: "github.com/skip2/go-qrcode", dirs: []string{"cloud/internal/fleet"},
			reason: "a join token is drawn where it is made"},
		{module: "github.com/uptrace/bun", dirs: []string{"cloud/internal"},
			reason: "the hub's packages own their tables; nothing else speaks SQL"},
		{module: "github.com/thejerf/suture/v4", dirs: []string{"internal/service"},
			reason: "one package starts long-lived goroutines"},
		{module: "github.com/schollz/progressbar/v3", dirs: []string{"cmd/gourdianctl"},
			reason: "only a person at a terminal sees progress bars"},
		{module: "go.yaml.in/yaml/v3", dirs: []string{"firmware-profiles"},
			reason: "profiles are decoded strictly; configuration goes through koanf"},
		{module: "golang.org/x/crypto", dirs: []string{"agent/internal/page", "cloud/internal/people", "internal/keyring"},
			reason: "PIN, passwords and passphrases are hashed where they are asked for"},
		{module: "golang.org/x/image", dirs: []string{"internal/capture", "models/train"},
			reason: "decoders of further picture formats are sources; decoded pictures are internal/vision's"},
		{module: "golang.org/x/sys", dirs: []string{"internal/worker", "internal/infer", "internal/capture", "agent/internal/store", "agent/internal/guard", "agent/internal/membership", "cmd/gourdianctl"},
			reason: "what the operating system offers beyond the standard library is used where processes, processors and disks are"},
		{module: "golang.org/x/term", dirs: []string{"cmd/gourdianctl"},
			reason: "only a person at a terminal has a width"},
		{module: "golang.org/x/time", dirs: []string{"internal/worker", "agent/internal/page", "cloud/internal/api"},
			reason: "rates are limited at the edges: log lines, requests"},
		{module: "gonum.org/v1/gonum", dirs: []string{"models"},
			reason: "numerical optimisation is training; a board never trains"},
		{module: "google.golang.org/protobuf", dirs: []string{"internal/onnxgraph"},
			reason: "only the bytes of ONNX files are protobuf"},
		{module: "go.uber.org/goleak", testsOnly: true, reason: "it looks for goroutines that a test left behind"},
		{module: "pgregory.net/rapid", testsOnly: true, reason: "it generates test cases"},
	}
}

// holds reports whether an import path belongs to the home's module.
func (h home) holds(path string) bool { return under(path, h.module) }

// checkHomes returns one line for each import of a module outside its home, and
// for each third-party import that has none.
func checkHomes(homes []home, files []*goFile) []string {
	var faults []string
	for _, file := range files {
		for _, path := range file.imports() {
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") {
				continue
			}
			found := false
			for _, h := range homes {
				if !h.holds(path) {
					continue
				}
				found = true
				if h.testsOnly && !file.isTest() {
					faults = append(faults, fmt.Sprintf("%s imports %s, which is for tests: %s", file.name, path, h.reason))
				}
				if !h.testsOnly && !underAny(file.dir(), h.dirs) && !(file.isTest() && underAny(file.dir(), h.tests)) {
					faults = append(faults, fmt.Sprintf("%s imports %s, whose home is %s: %s", file.name, path, strings.Join(h.dirs, ", "), h.reason))
				}
			}
			if !found {
				faults = append(faults, fmt.Sprintf("%s imports %s, which has no home in internal/meta", file.name, path))
			}
		}
	}
	return faults
}

// checkDependencies returns one line for each direct dependency without a home
// or without its line in the decision record (| `module` | licence | reason |),
// and for each line about a module that is no longer used.
func checkDependencies(modules []string, homes []home, record string) []string {
	var faults []string
	for _, module := range modules {
		housed := false
		for _, h := range homes {
			housed = housed || h.holds(module)
		}
		if !housed {
			faults = append(faults, module+" is required in go.mod and has no home in internal/meta")
		}
		if !recorded(module, record) {
			faults = append(faults, fmt.Sprintf("%s is required in go.mod and has no line with licence and reason in %s", module, adr))
		}
	}
	for _, match := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(record, -1) {
		if !slices.Contains(modules, match[1]) {
			faults = append(faults, fmt.Sprintf("%s has a line in %s and is not required in go.mod", match[1], adr))
		}
	}
	return faults
}

func recorded(module, record string) bool {
	for line := range strings.Lines(record) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 3 || !strings.Contains(cells[0], "`"+module+"`") {
			continue
		}
		return strings.TrimSpace(cells[1]) != "" && strings.TrimSpace(cells[2]) != ""
	}
	return false
}

// directDependencies reads go.mod.
func directDependencies(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, r := range mod.Require {
		if !r.Indirect {
			modules = append(modules, r.Path)
		}
	}
	return modules
}

func TestHomes(t *testing.T) {
	t.Parallel()
	for _, fault := range checkHomes(homes(), committed(t).goFiles(t)) {
		t.Error(fault)
	}
}

func TestDependenciesAreDecided(t *testing.T) {
	t.Parallel()
	record := string(committed(t).read(t, adr))
	for _, fault := range checkDependencies(directDependencies(t), homes(), record) {
		t.Error(fault)
	}
}

func TestHomesAreSeenToFail(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"agent/internal/store/http.go": "github.com/gin-gonic/gin",
		"agent/internal/live/kv.go":    "github.com/dgraph-io/badger/v4/options",
		"internal/vision/resize.go":    "gocv.io/x/gocv",
		"agent/supervise.go":           "github.com/thejerf/suture/v4",
		"internal/wire/leak.go":        "go.uber.org/goleak",
		"internal/wire/random.go":      "pgregory.net/rapid",
		"agent/new.go":                 "example.org/shiny",
		"internal/capture/cvx/cv.go":   "gocv.io/x/gocv",
	} {
		tr := memory(map[string]string{name: "package p\nimport _ \"" + path + "\"\n"})
		if faults := checkHomes(homes(), tr.goFiles(t)); len(faults) != 1 {
			t.Errorf("%s importing %s: %q", name, path, faults)
		}
	}
	tr := memory(map[string]string{
		"agent/internal/page/page.go":   "package p\nimport (\n\"net/http\"\n\"github.com/gin-gonic/gin\"\n\"gourdian/internal/wire\"\n)\n",
		"internal/wire/a_test.go":       "package p\nimport \"go.uber.org/goleak\"\n",
		"internal/capture/cv/decode.go": "package p\nimport \"gocv.io/x/gocv\"\n",
	})
	if faults := checkHomes(homes(), tr.goFiles(t)); len(faults) > 0 {
		t.Errorf("good imports are blamed: %q", faults)
	}
}

func TestUndecidedDependenciesAreSeen(t *testing.T) {
	t.Parallel()
	housed := []home{{module: "example.org/a"}}
	for name, tc := range map[string]struct {
		module, record string
		faults         int
	}{
		"decided":    {"example.org/a", "| `example.org/a` | MIT | reads a |", 0},
		"no line":    {"example.org/a", "text about `example.org/a`", 1},
		"stale line": {"example.org/a", "| `example.org/a` | MIT | reads a |\n| `example.org/ab` | MIT | reads ab |", 1},
		"no reason":  {"example.org/a", "| `example.org/a` | MIT | |", 1},
		"no licence": {"example.org/a", "| `example.org/a` | | reads a |", 1},
		"no home":    {"example.org/b", "| `example.org/b` | MIT | reads b |", 1},
		"nothing":    {"example.org/b", "", 2},
	} {
		if faults := checkDependencies([]string{tc.module}, housed, tc.record); len(faults) != tc.faults {
			t.Errorf("%s: %q", name, faults)
		}
	}
}

// memory returns a tree of the given files.
func memory(files map[string]string) tree {
	fsys := fstest.MapFS{}
	tr := tree{fsys: fsys}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
		tr.names = append(tr.names, name)
	}
	return tr
}

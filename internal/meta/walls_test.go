package meta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
)

// wall keeps packages out of the import graph of others.
type wall struct {
	from   []string // packages, with everything below them
	except []string // of from
	ban    []string // packages, with everything below them
	cgo    bool     // ban every package that needs cgo, but for the standard library
	outer  bool     // ban everything outside the standard library
	reason string
}

func walls() []wall {
	board := []string{"gourdian/agent", "gourdian/cmd/gourdian-agent"}
	native := []string{"gocv.io/x/gocv", "github.com/yalue/onnxruntime_go"}
	return []wall{
		{from: board, ban: []string{"gourdian/cloud"},
			reason: "a board works for weeks without a hub and meets it only through internal/wire"},
		{from: board, ban: []string{"gourdian/models"},
			reason: "a board runs models and never makes them: training's memory and code stay off it"},
		{from: board, ban: []string{"github.com/mochi-mqtt"},
			reason: "the broker is the hub's; a board is a client"},
		{from: board, ban: []string{"database/sql", "github.com/uptrace/bun", "modernc.org/sqlite", "github.com/jackc/pgx"},
			reason: "a board stores in Badger and files; a second database would share its small disk and memory"},
		{from: append([]string{"gourdian/cmd/gourdianctl", "gourdian/cloud", "gourdian/cmd/gourdian-hub", "gourdian/models"}, board...), ban: native, cgo: true,
			reason: "native code lives in worker processes, so that a driver or a hostile picture kills a worker only; and these build without cgo"},
		{from: []string{"gourdian/internal/wire"}, outer: true,
			reason: "boards, hub and programs of others import the contract: it must cost nothing"},
		{from: []string{"gourdian/internal/vision", "gourdian/internal/bundle", "gourdian/internal/onnxgraph", "gourdian/internal/quality",
			"gourdian/internal/verdict", "gourdian/internal/field", "gourdian/internal/worker", "gourdian/internal/web", "gourdian/internal/sketch"}, ban: native, cgo: true,
			reason: "board, hub and command line share them, and those are built without cgo"},
		{from: []string{"gourdian/internal"}, except: []string{"gourdian/internal/e2e"}, ban: []string{"gourdian/agent", "gourdian/cloud", "gourdian/models", "gourdian/cmd"},
			reason: "internal is what both sides agree on: it knows neither side"},
		{from: []string{"gourdian/cloud"}, ban: []string{"gourdian/agent"},
			reason: "the hub knows boards by their messages, not by their code"},
		{from: []string{"gourdian/models"}, ban: []string{"gourdian/agent", "gourdian/cloud"},
			reason: "pipeline and command line make models alike, so the making belongs to neither"},
		{from: []string{"gourdian/cmd/gourdian-infer", "gourdian/cmd/gourdian-camera"}, ban: []string{"gourdian/agent", "gourdian/cloud", "gourdian/models"},
			reason: "a worker serves whoever starts it and stays small"},
		{from: []string{"gourdian/cmd/gourdian-infer"}, ban: []string{"gocv.io/x/gocv"},
			reason: "inference needs no OpenCV: boards without a camera library and the arm64 build depend on it"},
		{from: []string{"gourdian/cmd/gourdian-camera"}, ban: []string{"github.com/yalue/onnxruntime_go"},
			reason: "capture needs no ONNX Runtime, and two native libraries in one process share their crashes"},
		{from: []string{"gourdian/firmware-profiles"}, ban: []string{"gourdian"},
			reason: "profiles are data that board, packaging and tests read"},
	}
}

// listed is one package as `go list -deps -json` tells it.
type listed struct {
	ImportPath string
	Standard   bool
	CgoFiles   []string
	Deps       []string // all of them, direct and indirect
}

// listPackages lists every package of the module and all they depend on, for
// the build with every native part: the strictest view.
func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-tags", "gocv_specific_modules,gocv_videoio",
		"-json=ImportPath,Standard,CgoFiles,Deps", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// checkWalls returns one line for each package that looks over a wall.
func checkWalls(walls []wall, packages []listed) []string {
	byPath := map[string]listed{}
	for _, p := range packages {
		byPath[p.ImportPath] = p
	}
	var faults []string
	for _, w := range walls {
		for _, p := range packages {
			if !underAny(p.ImportPath, w.from) || underAny(p.ImportPath, w.except) {
				continue
			}
			for _, dep := range p.Deps {
				if why := w.bans(p.ImportPath, byPath[dep], dep); why != "" {
					faults = append(faults, fmt.Sprintf("%s depends on %s (%s): %s", p.ImportPath, dep, why, w.reason))
				}
			}
		}
	}
	return faults
}

// bans says why the wall bans a dependency of the package from, "" if it doesn't.
func (w wall) bans(from string, dep listed, path string) string {
	switch {
	case underAny(path, w.ban) && path != from:
		return "banned"
	case w.cgo && !dep.Standard && len(dep.CgoFiles) > 0:
		return "cgo"
	case w.outer && !dep.Standard:
		return "not the standard library"
	}
	return ""
}

func TestWalls(t *testing.T) {
	t.Parallel()
	for _, fault := range checkWalls(walls(), listPackages(t)) {
		t.Error(fault)
	}
}

// planned are packages that walls wait for.
func planned() []string {
	return nil
}

// checkGrounds returns one line for each package that a wall is built from and
// that neither exists nor is planned: a wall around nothing holds nothing.
func checkGrounds(walls []wall, packages []listed) []string {
	var faults []string
	for _, w := range walls {
		if w.reason == "" {
			faults = append(faults, fmt.Sprintf("the wall from %v has no reason", w.from))
		}
		for _, from := range slices.Concat(w.from, w.except) {
			there := slices.ContainsFunc(packages, func(p listed) bool { return under(p.ImportPath, from) })
			if !there && !underAny(from, planned()) {
				faults = append(faults, from+" has a wall and does not exist: was it renamed?")
			}
		}
	}
	return faults
}

func TestWallsStandOnSomething(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	for _, fault := range checkGrounds(walls(), packages) {
		t.Error(fault)
	}
	for _, name := range planned() {
		if slices.ContainsFunc(packages, func(p listed) bool { return under(p.ImportPath, name) }) {
			t.Errorf("%s is here: it is no longer planned", name)
		}
	}
	bad := []wall{{from: []string{"gourdian/agnet"}, reason: "a misspelt name"}, {from: []string{"gourdian/agent"}}}
	if faults := checkGrounds(bad, packages); len(faults) != 2 {
		t.Errorf("bad walls: %q", faults)
	}
}

func TestWallsAreSeenToFail(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][]listed{
		"agent to hub":           {{ImportPath: "gourdian/agent", Deps: []string{"gourdian/cloud"}}},
		"agent to training":      {{ImportPath: "gourdian/agent/internal/engine", Deps: []string{"gourdian/models/train"}}},
		"agent's main to SQL":    {{ImportPath: "gourdian/cmd/gourdian-agent", Deps: []string{"database/sql"}}},
		"agent to a broker":      {{ImportPath: "gourdian/agent", Deps: []string{"github.com/mochi-mqtt/server/v2"}}},
		"agent to native code":   {{ImportPath: "gourdian/agent", Deps: []string{"gocv.io/x/gocv"}}},
		"hub to native code":     {{ImportPath: "gourdian/cloud/internal/predict", Deps: []string{"github.com/yalue/onnxruntime_go"}}},
		"hub to agent":           {{ImportPath: "gourdian/cloud", Deps: []string{"gourdian/agent"}}},
		"vision to any cgo":      {{ImportPath: "gourdian/internal/vision", Deps: []string{"example.org/jpeg"}}, {ImportPath: "example.org/jpeg", CgoFiles: []string{"jpeg.go"}}},
		"wire to a third party":  {{ImportPath: "gourdian/internal/wire", Deps: []string{"example.org/cbor"}}, {ImportPath: "example.org/cbor"}},
		"wire to a neighbour":    {{ImportPath: "gourdian/internal/wire", Deps: []string{"gourdian/internal/vision"}}, {ImportPath: "gourdian/internal/vision"}},
		"internal to agent":      {{ImportPath: "gourdian/internal/capture", Deps: []string{"gourdian/agent"}}},
		"worker to training":     {{ImportPath: "gourdian/cmd/gourdian-infer", Deps: []string{"gourdian/models"}}},
		"inference to OpenCV":    {{ImportPath: "gourdian/cmd/gourdian-infer", Deps: []string{"gocv.io/x/gocv"}}},
		"capture to ONNX":        {{ImportPath: "gourdian/cmd/gourdian-camera", Deps: []string{"github.com/yalue/onnxruntime_go"}}},
		"profiles to the module": {{ImportPath: "gourdian/firmware-profiles", Deps: []string{"gourdian/internal/wire"}}},
	} {
		if faults := checkWalls(walls(), bad); len(faults) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
	good := []listed{
		{ImportPath: "gourdian/agent", Deps: []string{"gourdian/internal/wire", "gourdian/agent/internal/store"}},
		{ImportPath: "gourdian/agentx", Deps: []string{"gourdian/cloud"}},
		{ImportPath: "gourdian/internal/e2e", Deps: []string{"gourdian/agent", "gourdian/cloud"}},
		{ImportPath: "gourdian/internal/wire", Deps: []string{"net", "time"}},
		{ImportPath: "gourdian/internal/vision", Deps: []string{"net"}},
		{ImportPath: "net", Standard: true, CgoFiles: []string{"cgo_linux.go"}},
		{ImportPath: "time", Standard: true},
	}
	if faults := checkWalls(walls(), good); len(faults) > 0 {
		t.Errorf("good packages are blamed: %q", faults)
	}
}

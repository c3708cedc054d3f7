package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gourdian/agent/internal/doctor"
	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/gate"
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/capture"
	"gourdian/internal/infer/choose"
	"gourdian/internal/web"
	"gourdian/internal/wire"
	"gourdian/internal/worker"
)

func catalogue(t *testing.T) *web.Catalogue {
	t.Helper()
	c, err := web.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// goFiles parses the Go files without tests of some folders.
func goFiles(t *testing.T, roots ...string) []*ast.File {
	t.Helper()
	var files []*ast.File
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			files = append(files, file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func stringOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// constants are the named texts of some files.
func constants(files []*ast.File) map[string]string {
	named := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
				for i, name := range spec.Names {
					if text, ok := stringOf(spec.Values[i]); ok {
						named[name.Name] = text
					}
				}
			}
			return true
		})
	}
	return named
}

// raisedConditions finds the codes of live.Condition in the agent's source: as
// a field or variable called code, or as what is cleared.
func raisedConditions(t *testing.T) []string {
	t.Helper()
	codes := map[string]bool{}
	files := goFiles(t, "../..")
	named := constants(files)
	note := func(e ast.Expr) {
		text, ok := stringOf(e)
		if name, isName := e.(*ast.Ident); isName {
			text, ok = named[name.Name]
		}
		if ok && regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`).MatchString(text) {
			codes[text] = true
		}
	}
	for _, file := range files {
		conditions := false
		for _, imported := range file.Imports {
			conditions = conditions || strings.HasSuffix(imported.Path.Value, `internal/live"`)
		}
		if !conditions {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if kind, ok := n.Type.(*ast.SelectorExpr); ok && kind.Sel.Name == "Condition" {
					for _, element := range n.Elts {
						if pair, ok := element.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == "Code" {
							note(pair.Value)
						}
					}
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Clear" && len(n.Args) == 2 {
					note(n.Args[0])
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if i < len(n.Rhs) && isCode(left) {
						note(n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(codes))
}

func isCode(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "code"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Code"
	}
	return false
}

// skipReasons are those of the gate and, as constants, of the pipeline.
func skipReasons(t *testing.T) []string {
	t.Helper()
	reasons := []string{gate.Rate, gate.Duplicate, gate.Still, gate.Blur, gate.Exposure, gate.Night}
	for _, file := range goFiles(t, "../pipeline") {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "skip") && len(spec.Values) == 1 {
				if text, ok := stringOf(spec.Values[0]); ok {
					reasons = append(reasons, text)
				}
			}
			return true
		})
	}
	return reasons
}

// madeKeys are the keys that the page puts together, by what they are made of.
func madeKeys(t *testing.T) []string {
	t.Helper()
	families := map[string][]string{
		"verdict.":              {string(wire.Good), string(wire.Regular), string(wire.Bad), string(wire.NotPumpkin), string(wire.Unsure), string(cantTell)},
		"reason.":               {string(wire.ReasonQuality), string(wire.ReasonNovel), string(wire.ReasonLowConfidence), string(wire.ReasonDisagreement)},
		"clock.":                {string(wire.ClockSynced), string(wire.ClockEstimated), string(wire.ClockUnknown)},
		"live.":                 {sceneWaiting, sceneNone, sceneStale, sceneFinished, sceneNoModel, sceneEmpty, sceneLooking},
		"skip.":                 skipReasons(t),
		"language.":             settings.Languages()[1:],
		"settings.language_":    settings.Languages(),
		"settings.sensitivity_": settings.Sensitivities(),
		"footer.theme_":         themes(),
		"health.severity_":      {"0", "1", "2"},
		"camera.state_":         {"live", "waiting", "none", "stale", "finished"},
		"model.state_": {"well", worker.CodeStarting, worker.CodeMissing, worker.CodeRefused, worker.CodeMismatch,
			worker.CodeCrashed, worker.CodeHung, worker.CodeStopped},
		"model.task_":   {"grade", "custom"},
		"model.learnt_": {"rendered", "photos", "mixed"},
		"model.why_":    {string(choose.Asked), string(choose.Only), string(choose.Fastest), string(choose.NoFaster), string(choose.Passed)},
		"link.why_":     live.Whys(),
		"model.trust_":  {engine.TrustLocal, engine.TrustHub},
		"update.stage_": {string(wire.StageWaiting), string(wire.StageDownloading), string(wire.StageStaged), string(wire.StageTesting),
			string(wire.StageShadow), string(wire.StageSoaking), string(wire.StageCommitted), string(wire.StageRefused), string(wire.StageRolledBack)},
		"update.step_": {string(wire.StepSignature), string(wire.StepExpired), string(wire.StepHash), string(wire.StepFormat), string(wire.StepPreprocess),
			string(wire.StepGolden), string(wire.StepSpeed), string(wire.StepShadow), string(wire.StepSoak), string(wire.StepDisk)},
		"pin.": {string(pinFirst), string(pinAsk), string(pinChange), "wrong", "wait", "form", "differ", "damaged", "set", "failed"},
	}
	for code, verdict := range doctor.Codes() {
		families["doctor."] = append(families["doctor."], string(code))
		if verdict == doctor.Warning || verdict == doctor.Failed {
			families["doctor."] = append(families["doctor."], string(code)+".do")
		}
		families["doctor.verdict_"] = append(families["doctor.verdict_"], string(verdict))
	}
	families["doctor."] = append(families["doctor."], "bad", "good", "left_out") // groups of the page
	for _, check := range (&doctor.Board{Cameras: []doctor.Camera{{}}}).Checks() {
		families["doctor.check_"] = append(families["doctor.check_"], check.ID)
	}
	families["doctor.check_"] = append(families["doctor.check_"], "library", "speed") // what a look at the model tells as well
	for _, scheme := range capture.Schemes() {
		families["camera.kind_"] = append(families["camera.kind_"], scheme.Name)
	}
	boards, err := profiles.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, board := range boards {
		families["board.kind_"] = append(families["board.kind_"], board.Name)
	}
	for _, code := range raisedConditions(t) {
		families["health."] = append(families["health."], code, code+".do")
	}
	for _, code := range errorCodes(t) {
		families["error."] = append(families["error."], code, code+".do")
	}
	var keys []string
	for prefix, ends := range families {
		for _, end := range ends {
			keys = append(keys, prefix+end)
		}
	}
	return keys
}

// errorCodes are those with which the page refuses a person.
func errorCodes(t *testing.T) []string {
	t.Helper()
	codes := map[string]bool{"internal": true}
	for _, file := range goFiles(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 3 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "showError" || f.Sel.Name == "refuse") {
				if code, ok := stringOf(call.Args[2]); ok {
					codes[code] = true
				}
			}
			return true
		})
	}
	return slices.Collect(maps.Keys(codes))
}

// namedKeys are the keys that stand in templates and source as they are.
func namedKeys(t *testing.T, known []string) []string {
	t.Helper()
	var keys []string
	templates, err := filepath.Glob("templates/*.html")
	if err != nil || len(templates) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, name := range templates {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\((?:say|count) "([^"]*)"|(?:say|count) "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			keys = append(keys, found[1]+found[2])
		}
	}
	for _, file := range goFiles(t, ".", "../../../internal/web") {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text, ok := stringOf(e); ok && regexp.MustCompile(`^[a-z]+\.[a-z_.]+$`).MatchString(text) {
					if slices.ContainsFunc(known, func(key string) bool { return key == text || forms(key) == text || key == text+"_why" }) {
						keys = append(keys, text)
					}
				}
			}
			return true
		})
	}
	return keys
}

// forms is a key without the ending that Count chooses.
func forms(key string) string { return strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other") }

func TestEveryTextIsThereAndEveryOneIsUsed(t *testing.T) {
	t.Parallel()
	known := catalogue(t).Keys(web.English)
	used := map[string]bool{}
	for _, key := range append(madeKeys(t), namedKeys(t, known)...) {
		used[key] = true
		if !slices.Contains(known, key) && !slices.Contains(known, key+".one") {
			t.Errorf("%s has no text", key)
		}
	}
	byPart := regexp.MustCompile(`^(month|weekday)\.\d+$`)
	for _, key := range known {
		if strings.HasPrefix(key, "hub.") || strings.HasPrefix(key, "report.") {
			continue // the hub's console and the reports of models, which have this test too
		}
		why, isWhy := strings.CutSuffix(key, "_why")
		if !used[key] && !used[forms(key)] && !byPart.MatchString(key) && !(isWhy && used[why] && strings.HasPrefix(key, "settings.")) {
			t.Errorf("nothing uses %s", key)
		}
	}
}

// TestConditionsAreFound keeps the search from finding nothing.
func TestConditionsAreFound(t *testing.T) {
	t.Parallel()
	codes := raisedConditions(t)
	for _, code := range []string{"camera_silent", "camera_missing", "model_missing", "disk_full", "page_assets_missing"} {
		if !slices.Contains(codes, code) {
			t.Errorf("%s was not found among %q", code, codes)
		}
	}
	if reasons := skipReasons(t); len(reasons) < 9 {
		t.Errorf("%q", reasons)
	}
	if codes := errorCodes(t); len(codes) < 6 {
		t.Errorf("%q", codes)
	}
}

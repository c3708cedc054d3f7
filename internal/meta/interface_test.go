package meta

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gourdian/internal/capture"
)

// What people and programs outside rely on stands in the docs as a whole: a key
// or an address that is not written down is found by nobody and broken unseen.

const (
	apiPage    = "docs/api.md"
	configPage = "docs/configuration.md"
	cameraPage = "docs/adding-a-camera.md"
)

// keysOf lists the keys of a struct and of the structs in it, as paths: "a.b",
// "list[].c". tag is the name of the struct tag that holds a key.
func keysOf(files []*goFile, dir, root, tag string) []string {
	structs := map[string]*ast.StructType{}
	for _, f := range files {
		if f.dir() != dir || f.isTest() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	var keys []string
	var walk func(name, prefix string)
	walk = func(name, prefix string) {
		for _, field := range structs[name].Fields.List {
			key := tagOf(field, tag)
			inner, list := elementOf(field.Type)
			if list {
				key += "[]"
			}
			if structs[inner] != nil {
				walk(inner, prefix+key+".")
			} else if key != "" {
				keys = append(keys, prefix+strings.TrimSuffix(key, "[]"))
			}
		}
	}
	if structs[root] != nil {
		walk(root, "")
	}
	return keys
}

func tagOf(field *ast.Field, tag string) string {
	if field.Tag == nil {
		return ""
	}
	return reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get(tag)
}

// elementOf is the name of a field's type, or of its elements where it is a
// list; "" for other types.
func elementOf(expr ast.Expr) (name string, list bool) {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name, false
	case *ast.ArrayType:
		name, _ = elementOf(e.Elt)
		return name, true
	}
	return "", false
}

// checkKeys returns one line for each key of agent.Config and of a board's
// profile that the page about configuration does not name.
func checkKeys(files []*goFile, page string) []string {
	var faults []string
	for _, of := range []struct{ dir, root, tag string }{
		{"agent", "Config", "koanf"}, {"firmware-profiles", "Profile", "yaml"},
	} {
		keys := keysOf(files, of.dir, of.root, of.tag)
		if len(keys) == 0 {
			faults = append(faults, fmt.Sprintf("%s has no %s with keys: the rule looks in the wrong place", of.dir, of.root))
		}
		for _, key := range keys {
			if !strings.Contains(page, "`"+key+"`") {
				faults = append(faults, fmt.Sprintf("%s does not say what the key %s is for", configPage, key))
			}
		}
	}
	return faults
}

// route is an address that the page answers.
type route struct{ method, path string }

// routesOf lists the routes that the files of a folder register with gin. The
// path of a group is followed within the function that makes it.
func routesOf(files []*goFile, dir string) []route {
	var routes []route
	for _, f := range files {
		if f.dir() != dir || f.isTest() {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				routes = append(routes, routesIn(fn.Body)...)
			}
		}
	}
	return routes
}

func routesIn(body *ast.BlockStmt) []route {
	groups := map[string]string{}
	var routes []route
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if method, path, _ := registration(n.Rhs[0]); method == "Group" {
				groups[n.Lhs[0].(*ast.Ident).Name] = path
			}
		case *ast.CallExpr:
			method, path, on := registration(n)
			if slices.Contains([]string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"}, method) {
				routes = append(routes, route{method, groups[on] + path})
			}
		}
		return true
	})
	return routes
}

// registration reads on.Method("/path", ...).
func registration(expr ast.Expr) (method, path, on string) {
	call, ok := expr.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", "", ""
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", "", ""
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", "", ""
	}
	path, err := strconv.Unquote(literal.Value)
	if err != nil || !strings.HasPrefix(path, "/") {
		return "", "", ""
	}
	if id, ok := selector.X.(*ast.Ident); ok {
		on = id.Name
	}
	return selector.Sel.Name, path, on
}

// checkRoutes compares the routes with the page about them, both ways: it
// writes a route as METHOD /path.
func checkRoutes(routes []route, page string) []string {
	var faults []string
	for _, r := range routes {
		text := regexp.MustCompile(`\b` + r.method + " " + regexp.QuoteMeta(r.path) + "(?:[`\n ?]|$)")
		if !text.MatchString(page) {
			faults = append(faults, fmt.Sprintf("%s does not say what %s %s answers", apiPage, r.method, r.path))
		}
	}
	for _, match := range regexp.MustCompile("(?m)^## ([A-Z]+) (/\\S*)").FindAllStringSubmatch(page, -1) {
		if !slices.Contains(routes, route{match[1], match[2]}) {
			faults = append(faults, fmt.Sprintf("%s describes %s %s, which the page does not answer", apiPage, match[1], match[2]))
		}
	}
	return faults
}

// checkMetrics returns one line for each metric that the page does not name.
func checkMetrics(files []*goFile, page string) []string {
	var faults []string
	found := 0
	for _, f := range files {
		if f.name != "agent/internal/page/metrics.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 {
				return true
			}
			name, ok := call.Args[0].(*ast.BasicLit)
			if fn, is := call.Fun.(*ast.Ident); !ok || !is || fn.Name != "desc" {
				return true
			}
			found++
			if metric := "gourdian_" + strings.Trim(name.Value, `"`); !strings.Contains(page, "`"+metric+"`") {
				faults = append(faults, fmt.Sprintf("%s does not name the metric %s", apiPage, metric))
			}
			return true
		})
	}
	if found == 0 {
		faults = append(faults, "no metric is made by desc in agent/internal/page/metrics.go: the rule looks in the wrong place")
	}
	return faults
}

// checkConditions returns one line for each condition that has words for people
// in the catalogue ("health.<code>.do") and no line for programs.
func checkConditions(catalogue, page string) []string {
	codes := regexp.MustCompile(`"health\.(\w+)\.do":`).FindAllStringSubmatch(catalogue, -1)
	if len(codes) == 0 {
		return []string{"the catalogue says of no condition what to do: the rule looks in the wrong place"}
	}
	var faults []string
	for _, code := range codes {
		if !strings.Contains(page, "`"+code[1]+"`") {
			faults = append(faults, fmt.Sprintf("%s does not name the condition %s", apiPage, code[1]))
		}
	}
	return faults
}

// checkSchemes returns one line for each kind of camera address, and for each of
// its options, that the page about cameras lacks.
func checkSchemes(schemes []capture.Scheme, page string) []string {
	var faults []string
	for _, s := range schemes {
		start := "`" + s.Name + ":"
		if !strings.Contains(page, start) {
			faults = append(faults, fmt.Sprintf("%s has no address %s", cameraPage, start))
		}
		for _, option := range s.Options {
			if !regexp.MustCompile(regexp.QuoteMeta(start) + "[^`]*[?&]" + option + "=").MatchString(page) {
				faults = append(faults, fmt.Sprintf("%s shows no %s address with %s=", cameraPage, s.Name, option))
			}
		}
	}
	return faults
}

func TestEveryKeyAddressAndMetricIsDescribed(t *testing.T) {
	t.Parallel()
	tr := committed(t)
	files := tr.goFiles(t)
	api := string(tr.read(t, apiPage))
	routes := routesOf(files, "agent/internal/page")
	if len(routes) < 10 {
		t.Errorf("%d routes found: the rule looks in the wrong place", len(routes))
	}
	for _, fault := range slices.Concat(checkKeys(files, string(tr.read(t, configPage))), checkRoutes(routes, api), checkMetrics(files, api),
		checkConditions(string(tr.read(t, "internal/web/texts/health.json")), api),
		checkSchemes(capture.Schemes(), string(tr.read(t, cameraPage)))) {
		t.Error(fault)
	}
}

func TestUndescribedInterfacesAreSeen(t *testing.T) {
	t.Parallel()
	tr := memory(map[string]string{
		"agent/config.go":                "package agent\n\ntype Config struct {\n\tData string `koanf:\"data\"`\n\tModel Model `koanf:\"model\"`\n\tCameras []Camera `koanf:\"cameras\"`\n}\n\ntype Model struct{ Bundle string `koanf:\"bundle\"` }\n\ntype Camera struct{ ID string `koanf:\"id\"` }\n",
		"firmware-profiles/profile.go":   "package profiles\n\ntype Profile struct {\n\tTree []string `yaml:\"tree\"`\n\tStore Store `yaml:\"store\"`\n}\n\ntype Store struct{ MB int `yaml:\"mb\"` }\n",
		"agent/internal/page/metrics.go": "package page\n\nfunc f() { desc(\"build_info\", \"1\"); desc(\"frames_total\", \"n\", \"camera\") }\n",
		"agent/internal/page/api.go":     "package page\n\nfunc f() {\n\tr.GET(\"/healthz\", h)\n\tv1 := r.Group(\"/api/v1\")\n\tv1.PUT(\"/records/:seq\", h)\n\tc.Header(\"X\", \"/y\")\n}\n",
	})
	files := tr.goFiles(t)
	check := func(config, api string) []string {
		return slices.Concat(checkKeys(files, config), checkRoutes(routesOf(files, "agent/internal/page"), api), checkMetrics(files, api))
	}
	const config = "| `data` | `model.bundle` | `cameras[].id` | `tree` | `store.mb` |"
	const api = "## GET /healthz\n\n## PUT /api/v1/records/:seq\n\n`gourdian_build_info`, `gourdian_frames_total`\n"
	if faults := check(config, api); len(faults) > 0 {
		t.Errorf("good pages are blamed: %q", faults)
	}
	for name, bad := range map[string][]string{
		"key of a list":     check(strings.Replace(config, "cameras[].id", "cameras", 1), api),
		"key of a profile":  check(strings.Replace(config, "store.mb", "store", 1), api),
		"route":             check(config, strings.Replace(api, "PUT ", "POST ", 1)),
		"route of a prefix": check(config, strings.Replace(api, "/healthz", "/healthzz", 1)),
		"metric":            check(config, strings.Replace(api, "frames_total", "frames", 1)),
	} {
		if len(bad) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
	const catalogue = `{"health.well": {}, "health.disk_low": {}, "health.disk_low.do": {}}`
	for text, want := range map[string]int{"| `disk_low` |": 0, "| `disk_full` |": 1} {
		if faults := checkConditions(catalogue, text); len(faults) != want {
			t.Errorf("conditions on %s: %q", text, faults)
		}
	}
	schemes := []capture.Scheme{{Name: "file", Options: []string{"loop"}}}
	for text, want := range map[string]int{"| `file:a.mp4?loop=1` |": 0, "| `file:a.mp4` |": 1, "| `files:a` |": 2} {
		if faults := checkSchemes(schemes, text); len(faults) != want {
			t.Errorf("schemes on %s: %q", text, faults)
		}
	}
	if faults := checkConditions("{}", ""); len(faults) != 1 {
		t.Errorf("an empty catalogue: %q", faults)
	}
	if faults := checkKeys(nil, config); len(faults) != 2 {
		t.Errorf("a config that is not there: %q", faults)
	}
}

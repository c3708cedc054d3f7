package meta

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// Sizes beyond which nobody reads a thing as a whole.
const (
	maxFileLines     = 700
	maxMedianLines   = 150 // of files without tests
	maxFunctionLines = 80
)

// sourceRule is a rule about Go files.
type sourceRule struct {
	name   string
	reason string
	check  func(files []*goFile) []string
}

func sourceRules() []sourceRule {
	return []sourceRule{
		{"package docs", "a package says in one place what it is for", checkPackageDocs},
		{"package names", "a name that fits everything tells nothing", checkPackageNames},
		{"file size", "a file is read as a whole", checkFileSize},
		{"function size", "a function fits on a screen or two", checkFunctionSize},
		{"no init", "what runs before main can't be ordered, tested or given an error", checkInit},
		{"no global state", "what any function may change has no owner, and parallel tests share it", checkGlobals},
		{"no sleep in tests", "a sleep is too long on a fast machine and too short on a slow one: use testing/synctest or a channel", checkSleep},
		{"board runs bundles", "a bare graph has passed no golden frames: boards run bundles only", checkBareGraph},
	}
}

// checkPackageDocs wants one doc comment for each package.
func checkPackageDocs(files []*goFile) []string {
	docs := map[string][]string{}
	for _, f := range files {
		if f.isTest() {
			continue
		}
		names := docs[f.dir()]
		if f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != "" {
			names = append(names, f.name)
		}
		docs[f.dir()] = names
	}
	var faults []string
	for dir, names := range docs {
		switch len(names) {
		case 1:
		case 0:
			faults = append(faults, dir+": no package comment")
		default:
			faults = append(faults, fmt.Sprintf("%s: package comments in %s", dir, strings.Join(names, " and ")))
		}
	}
	for _, f := range files {
		if f.isTest() || f.ast.Doc == nil {
			continue
		}
		starts := docStarts(f)
		if !slices.ContainsFunc(starts, func(start string) bool { return strings.HasPrefix(f.ast.Doc.Text(), start) }) {
			faults = append(faults, fmt.Sprintf("%s: the package comment does not begin with %q", f.name, starts))
		}
	}
	slices.Sort(faults)
	return faults
}

// docStarts are the ways in which go doc lets a package comment begin.
func docStarts(f *goFile) []string {
	if f.ast.Name.Name != "main" {
		return []string{"Package " + f.ast.Name.Name + " "}
	}
	program := path.Base(f.dir())
	return []string{"Command " + program + " ", strings.ToUpper(program[:1]) + program[1:] + " "}
}

func checkPackageNames(files []*goFile) []string {
	banned := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared", "lib"}
	var faults []string
	for _, f := range files {
		if name := strings.TrimSuffix(f.ast.Name.Name, "_test"); slices.Contains(banned, name) {
			faults = append(faults, f.name+": package "+name)
		}
	}
	return faults
}

func checkFileSize(files []*goFile) []string {
	var faults []string
	var sizes []int
	for _, f := range files {
		if f.lines > maxFileLines {
			faults = append(faults, fmt.Sprintf("%s: %d lines, at most %d", f.name, f.lines, maxFileLines))
		}
		if !f.isTest() {
			sizes = append(sizes, f.lines)
		}
	}
	slices.Sort(sizes)
	if len(sizes) > 0 && sizes[len(sizes)/2] > maxMedianLines {
		faults = append(faults, fmt.Sprintf("the median file has %d lines, at most %d", sizes[len(sizes)/2], maxMedianLines))
	}
	return faults
}

func checkFunctionSize(files []*goFile) []string {
	var faults []string
	for _, f := range files {
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if lines := f.lineOf(fn.End()) - f.lineOf(fn.Pos()) + 1; lines > maxFunctionLines {
				faults = append(faults, fmt.Sprintf("%s: %s has %d lines, at most %d", f.name, fn.Name.Name, lines, maxFunctionLines))
			}
		}
	}
	return faults
}

func checkInit(files []*goFile) []string {
	var faults []string
	for _, f := range files {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				faults = append(faults, fmt.Sprintf("%s:%d: func init", f.name, f.lineOf(fn.Pos())))
			}
		}
	}
	return faults
}

// checkGlobals allows package variables that nothing assigns to by nature:
// errors and other results of a call, embedded files, interface checks, and the
// version that the linker sets.
func checkGlobals(files []*goFile) []string {
	var faults []string
	for _, f := range files {
		if f.isTest() {
			continue
		}
		for _, decl := range f.ast.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR || embeds(group.Doc) {
				continue
			}
			for _, spec := range group.Specs {
				if v := spec.(*ast.ValueSpec); mutable(f, v) {
					faults = append(faults, fmt.Sprintf("%s:%d: var %s", f.name, f.lineOf(v.Pos()), v.Names[0].Name))
				}
			}
		}
	}
	return faults
}

func mutable(f *goFile, v *ast.ValueSpec) bool {
	name := v.Names[0].Name
	if name == "_" || embeds(v.Doc) || f.ast.Name.Name == "main" && name == "version" {
		return false
	}
	if len(v.Values) == 0 {
		return true
	}
	call, ok := v.Values[0].(*ast.CallExpr)
	if !ok {
		return true
	}
	builtin, ok := call.Fun.(*ast.Ident)
	return ok && (builtin.Name == "make" || builtin.Name == "new")
}

func embeds(comment *ast.CommentGroup) bool {
	return comment != nil && slices.ContainsFunc(comment.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

func checkSleep(files []*goFile) []string {
	var faults []string
	for _, f := range files {
		if !f.isTest() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == "time" && selector.Sel.Name == "Sleep" {
				faults = append(faults, fmt.Sprintf("%s:%d: time.Sleep", f.name, f.lineOf(n.Pos())))
			}
			return true
		})
	}
	return faults
}

func checkBareGraph(files []*goFile) []string {
	var faults []string
	for _, f := range files {
		if !underAny(f.dir(), []string{"agent", "cmd/gourdian-agent"}) || f.isTest() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && strings.Contains(lit.Value, "-graph") {
				faults = append(faults, fmt.Sprintf("%s:%d: %s", f.name, f.lineOf(n.Pos()), lit.Value))
			}
			return true
		})
	}
	return faults
}

func TestSources(t *testing.T) {
	t.Parallel()
	files := committed(t).goFiles(t)
	for _, rule := range sourceRules() {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			for _, fault := range rule.check(files) {
				t.Errorf("%s: %s", fault, rule.reason)
			}
		})
	}
}

func TestSourceRulesAreSeenToFail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\n", maxFunctionLines)
	for rule, bads := range map[string][]map[string]string{
		"package docs": {
			{"a/a.go": "package a\n"},
			{"a/a.go": "// Package a is.\npackage a\n", "a/b.go": "// Package a was.\npackage a\n"},
			{"a/a.go": "// Something a.\npackage a\n"},
			{"cmd/a/a.go": "// Package main is.\npackage main\n"},
			{"a/a_test.go": "// Package a is.\npackage a\n", "a/a.go": "package a\n"},
		},
		"package names": {{"a/a.go": "package util\n"}, {"a/a_test.go": "package helpers_test\n"}},
		"file size": {
			{"a/a_test.go": "package a\n" + strings.Repeat("\n", maxFileLines)},
			{"a/a.go": "package a\n" + strings.Repeat("\n", maxMedianLines)},
		},
		"function size": {
			{"a/a.go": "package a\nfunc f() {" + long + "}\n"},
			{"a/a_test.go": "package a\nfunc (T) m() {" + long + "}\n"},
		},
		"no init": {{"a/a.go": "package a\nfunc init() {}\n"}},
		"no global state": {
			{"a/a.go": "package a\nvar count int\n"},
			{"a/a.go": "package a\nvar seen = map[string]bool{}\n"},
			{"a/a.go": "package a\nvar buf = make([]byte, 9)\n"},
			{"cmd/a/a.go": "package main\nvar limit = 7\n"},
		},
		"no sleep in tests":  {{"a/a_test.go": "package a\nimport \"time\"\nvar _ = func() { time.Sleep(1) }\n"}},
		"board runs bundles": {{"agent/a.go": "package agent\nconst arg = \"--graph\"\n"}},
	} {
		for i, bad := range bads {
			if faults := checkNamed(t, rule, memory(bad)); len(faults) == 0 {
				t.Errorf("%s: bad example %d is not seen", rule, i)
			}
		}
	}
}

func TestSourceRulesLetGoodFilesPass(t *testing.T) {
	t.Parallel()
	good := memory(map[string]string{
		"a/doc.go":         "// Package a is good.\npackage a\n",
		"a/a.go":           "//go:build linux\n\npackage a\n\ntype t struct{}\n\nfunc (t) init() {\n" + strings.Repeat("\n", maxFunctionLines-3) + "}\n",
		"a/var.go":         "package a\n\nimport \"embed\"\n\n//go:embed x\nvar files embed.FS\n\nvar errBad = errors.New(\"bad\")\n\nvar _ io.Reader = t{}\n",
		"a/a_test.go":      "package a_test\nimport \"time\"\nvar _ = time.After\n",
		"cmd/tool/main.go": "// Command tool works.\npackage main\nimport \"time\"\nfunc main() { time.Sleep(1) }\n",
		"cmd/ctl/graph.go": "// Command ctl controls.\npackage main\n\nvar version = \"none\"\n\nconst arg = \"--graph\"\n",
	})
	for _, rule := range sourceRules() {
		if faults := checkNamed(t, rule.name, good); len(faults) > 0 {
			t.Errorf("%s: good files are blamed: %q", rule.name, faults)
		}
	}
}

// checkNamed applies the source rule of that name to a tree.
func checkNamed(t *testing.T, name string, tr tree) []string {
	t.Helper()
	for _, rule := range sourceRules() {
		if rule.name == name {
			return rule.check(tr.goFiles(t))
		}
	}
	t.Fatalf("no rule %q", name)
	return nil
}

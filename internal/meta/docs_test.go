package meta

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// A page that says what is not so is worse than none. These rules hold that
// what the docs name is there: links, make targets, symbols.

// pagesOf returns the names of all Markdown files.
func pagesOf(tr tree) []string {
	var pages []string
	for _, name := range tr.names {
		if path.Ext(name) == ".md" && !strings.Contains(name, "testdata/") {
			pages = append(pages, name)
		}
	}
	return pages
}

// checkLinks returns one line for each link of a page that leads nowhere in
// the tree: a missing file, or a heading that the page there lacks.
func checkLinks(t *testing.T, tr tree) []string {
	t.Helper()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	var faults []string
	for _, page := range pagesOf(tr) {
		for _, match := range link.FindAllStringSubmatch(prose(string(tr.read(t, page))), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			to := page
			if target != "" {
				to = path.Join(path.Dir(page), target)
			}
			if _, err := fs.Stat(tr.fsys, to); err != nil {
				faults = append(faults, fmt.Sprintf("%s: the link %s leads to no file", page, match[1]))
				continue
			}
			if anchor != "" && !slices.Contains(anchorsOf(string(tr.read(t, to))), anchor) {
				faults = append(faults, fmt.Sprintf("%s: %s has no heading %q", page, to, anchor))
			}
		}
	}
	return faults
}

// prose is a page without its code.
func prose(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			code = !code
			continue
		}
		if !code {
			b.WriteString(line)
		}
	}
	return b.String()
}

// anchorsOf are the names by which the headings of a page can be linked to.
func anchorsOf(text string) []string {
	var anchors []string
	for line := range strings.Lines(prose(text)) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, title))
	}
	return anchors
}

// checkTargets returns one line for each make target that a page tells people
// to run and the Makefile lacks.
func checkTargets(t *testing.T, tr tree) []string {
	t.Helper()
	makefile := string(tr.read(t, "Makefile"))
	run := regexp.MustCompile("(?m)(?:`|^)make ([a-z][a-z0-9-]*)")
	var faults []string
	for _, page := range pagesOf(tr) {
		for _, match := range run.FindAllStringSubmatch(string(tr.read(t, page)), -1) {
			if !regexp.MustCompile("(?m)^" + match[1] + ":").MatchString(makefile) {
				faults = append(faults, fmt.Sprintf("%s: there is no target for `make %s`", page, match[1]))
			}
		}
	}
	return faults
}

// checkSymbols returns one line for each `package.Symbol` of a page that no
// package of that name declares. Packages that are not ours are left alone.
func checkSymbols(t *testing.T, tr tree) []string {
	t.Helper()
	declared := declaredIn(tr.goFiles(t))
	cited := regexp.MustCompile("`([a-z][a-z0-9]*)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?[`({]")
	var faults []string
	for _, page := range pagesOf(tr) {
		for _, match := range cited.FindAllStringSubmatch(string(tr.read(t, page)), -1) {
			symbols, ours := declared[match[1]]
			if !ours {
				continue
			}
			for _, symbol := range match[2:] {
				if symbol != "" && !symbols[symbol] {
					faults = append(faults, fmt.Sprintf("%s: package %s declares no %s", page, match[1], symbol))
				}
			}
		}
	}
	return faults
}

// declaredIn lists what each package declares outside functions, methods and
// fields too, by the package's name.
func declaredIn(files []*goFile) map[string]map[string]bool {
	declared := map[string]map[string]bool{}
	for _, f := range files {
		name := f.ast.Name.Name
		if f.isTest() || name == "main" {
			continue
		}
		if declared[name] == nil {
			declared[name] = map[string]bool{}
		}
		for _, decl := range f.ast.Decls {
			for _, symbol := range symbolsOf(decl) {
				declared[name][symbol] = true
			}
		}
	}
	return declared
}

func symbolsOf(decl ast.Decl) []string {
	var names []string
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			names = append(names, id.Name)
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		add(d.Name)
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return nil
		}
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				add(s.Names...)
			case *ast.TypeSpec:
				add(s.Name)
				ast.Inspect(s.Type, func(n ast.Node) bool {
					if field, ok := n.(*ast.Field); ok {
						add(field.Names...)
					}
					return true
				})
			}
		}
	}
	return names
}

func TestDocsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	tr := committed(t)
	for _, check := range []func(*testing.T, tree) []string{checkLinks, checkTargets, checkSymbols} {
		for _, fault := range check(t, tr) {
			t.Error(fault)
		}
	}
}

func TestDocsRulesAreSeenToFail(t *testing.T) {
	t.Parallel()
	rest := map[string]string{
		"Makefile":    "test: ## run\n\ttrue\n",
		"docs/b.md":   "# The pipe, and\n",
		"wire/doc.go": "// Package wire is a contract.\npackage wire\n\nconst Contract = 1\n\ntype Record struct{ Seq int }\n\nfunc (Record) Validate() {}\n",
	}
	for name, tc := range map[string]struct {
		text   string
		faults int
	}{
		"good":             {"[b](b.md#the-pipe-and), [up](../Makefile), [web](https://example.org/x), [here](#top)\n# Top\nRun `make test`; `wire.Contract`, `wire.Record.Validate`, `wire.Record.Seq`, `other.Thing`.\n```\n[no](link.md)\n```\n", 0},
		"missing file":     {"[c](c.md)\n", 1},
		"missing heading":  {"[b](b.md#pipes)\n", 1},
		"missing target":   {"Run `make tests` first.\n", 1},
		"target in a list": {"```\nmake bench     # speed\n```\n", 1},
		"missing symbol":   {"`wire.Protocol` is 1.\n", 1},
		"missing method":   {"`wire.Record.Check(x)`\n", 1},
	} {
		files := map[string]string{"docs/a.md": tc.text}
		for file, text := range rest {
			files[file] = text
		}
		tr := memory(files)
		faults := slices.Concat(checkLinks(t, tr), checkTargets(t, tr), checkSymbols(t, tr))
		if len(faults) != tc.faults {
			t.Errorf("%s: %q", name, faults)
		}
	}
}

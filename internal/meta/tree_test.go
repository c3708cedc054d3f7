package meta

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// root is the repository as seen from this package's folder.
const root = "../.."

// tree is a set of files: the committed ones, or a bad example in memory.
type tree struct {
	fsys  fs.FS
	names []string // slash-separated, sorted
}

// committed returns what git has in its index, without files that are being
// deleted.
func committed(t *testing.T) tree {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v: these rules are about committed files", err)
	}
	fsys := os.DirFS(root)
	var names []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := fs.Stat(fsys, name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return tree{fsys: fsys, names: names}
}

func (tr tree) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(tr.fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goFile is one parsed Go file, whatever its build tags.
type goFile struct {
	name  string // of the file, within the tree
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

func (f *goFile) dir() string  { return path.Dir(f.name) }
func (f *goFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// lineOf returns the line of a position.
func (f *goFile) lineOf(pos token.Pos) int { return f.fset.Position(pos).Line }

// imports returns the import paths.
func (f *goFile) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, "`\""))
	}
	return paths
}

func (tr tree) goFiles(t *testing.T) []*goFile {
	t.Helper()
	var files []*goFile
	for _, name := range tr.names {
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		data := tr.read(t, name)
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, &goFile{name: name, lines: bytes.Count(data, []byte("\n")), fset: fset, ast: file})
	}
	return files
}

// under reports whether path is dir or lies below it.
func under(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// underAny reports whether name lies in one of dirs.
func underAny(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return under(name, dir) })
}

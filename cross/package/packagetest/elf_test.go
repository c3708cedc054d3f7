//go:build packages

package packagetest

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dependency is one entry of a package's Depends.
type dependency struct{ name, least string }

// dependencies reads what the package of the workers says.
func dependencies(t *testing.T) []dependency {
	t.Helper()
	data, err := os.ReadFile("../gourdian-workers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(data), "\ndepends:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	var all []dependency
	for _, match := range regexp.MustCompile(`(?m)^  - (\S+)(?: \(>= (\S+)\))?$`).FindAllStringSubmatch(list, -1) {
		all = append(all, dependency{match[1], match[2]})
	}
	return all
}

func TestPackageDependsOnWhatItsFilesAreLinkedWith(t *testing.T) {
	r := newRoot(t)
	first, _ := packages(t, "gourdian", "gourdian-hub")
	r.install(first...)
	depends := dependencies(t)
	var needed []string
	for _, name := range []string{"/usr/bin/gourdian-agent", "/usr/bin/gourdian-hub", "/usr/bin/gourdianctl", "/usr/lib/gourdian/gourdian-camera",
		"/usr/lib/gourdian/gourdian-infer", "/usr/lib/gourdian/libonnxruntime.so.1.32.0"} {
		file, err := elf.Open(r.path(name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		libraries, err := file.ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		for _, library := range libraries {
			// "libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6"
			owner, _, _ := strings.Cut(r.must("/usr/bin/dpkg", "--search", "*/"+library), ":")
			needed = append(needed, owner)
			if !slices.ContainsFunc(depends, func(d dependency) bool { return d.name == owner }) {
				t.Errorf("%s needs %s of %s, on which the package does not depend", name, library, owner)
			}
		}
		checkLibcVersion(t, name, file, depends)
	}
	for _, d := range depends {
		if strings.HasPrefix(d.name, "lib") && !slices.Contains(needed, d.name) {
			t.Errorf("the package depends on %s, which no file of it needs", d.name)
		}
	}
}

// checkLibcVersion compares the newest symbol that a file wants of the C library
// with the version that the package asks for.
func checkLibcVersion(t *testing.T, name string, file *elf.File, depends []dependency) {
	t.Helper()
	at := slices.IndexFunc(depends, func(d dependency) bool { return d.name == "libc6" })
	if at < 0 {
		t.Fatal("the package does not depend on libc6")
	}
	symbols, err := file.ImportedSymbols()
	if err != nil && len(symbols) > 0 {
		t.Fatal(err)
	}
	for _, symbol := range symbols {
		version, found := strings.CutPrefix(symbol.Version, "GLIBC_")
		if found && !atLeast(t, depends[at].least, version) {
			t.Errorf("%s wants %s of libc6 %s; the package asks for %s", name, symbol.Name, version, depends[at].least)
		}
	}
}

// atLeast compares as Debian's tools do.
func atLeast(t *testing.T, version, least string) bool {
	t.Helper()
	err := exec.Command("dpkg", "--compare-versions", version, "ge", least).Run()
	if _, no := err.(*exec.ExitError); err != nil && !no {
		t.Fatal(err)
	}
	return err == nil
}

func TestLaterCommitsMakeHigherVersions(t *testing.T) {
	version := func(described, commits string) string {
		t.Helper()
		said, err := exec.Command("../version.sh", described, commits).Output()
		if err != nil {
			t.Fatalf("%s: %v", described, err)
		}
		return strings.TrimSpace(string(said))
	}
	ordered := []string{
		version("94708dd", "99"), version("12ab34c", "100"), version("12ab34c-dirty", "100"),
		version("v0.9.0", "101"), version("v0.9.0-3-g0123abc", "104"),
		version("v1.0.0-rc1", "110"), version("v1.0.0-rc1-2-gabcdef0", "112"), version("v1.0.0-rc2", "113"),
		version("v1.0.0", "120"), version("v1.0.0-1-gfedcba9", "121"), version("v1.0.0-12-gfedcba9-dirty", "132"), version("v1.0.1", "140"),
	}
	for i := 1; i < len(ordered); i++ {
		if !atLeast(t, ordered[i], ordered[i-1]) || ordered[i] == ordered[i-1] {
			t.Errorf("%s is not above %s", ordered[i], ordered[i-1])
		}
	}
	for _, name := range []string{"summer", "v1.0.0 beta", "v1.0.0-rc-1"} {
		if said, err := exec.Command("../version.sh", name, "1").Output(); err == nil {
			t.Errorf("the tag %q made the version %s", name, said)
		}
	}
}

// build makes the packages in a checkout of its own, with nothing built before,
// and returns the folder that they are in.
func build(t *testing.T, dir string) string {
	t.Helper()
	run := func(in, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = in
		cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(filepath.Dir(dir), "gocache"))
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, said)
		}
	}
	from, err := filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	run(from, "git", "clone", "--quiet", from, dir)
	// The same sources as here, committed or not, and what set-up has fetched.
	run(from, "bash", "-c", "git ls-files -z --modified --others --exclude-standard | xargs -0 -r ls -d 2>/dev/null | tar -cf - --no-recursion -T - | tar -xf - -C "+dir)
	run(from, "bash", "-c", "cp internal/web/assets/npm/*.js "+filepath.Join(dir, "internal/web/assets/npm"))
	if err := os.Symlink(filepath.Join(from, ".cache"), filepath.Join(dir, ".cache")); err != nil {
		t.Fatal(err)
	}
	run(dir, "cross/package/build.sh", "amd64")
	return filepath.Join(dir, "dist")
}

func TestTwoBuildsGiveTheSameBytes(t *testing.T) {
	first, _ := packages(t, "gourdian", "gourdian-hub")
	elsewhere := build(t, filepath.Join(t.TempDir(), "elsewhere"))
	for _, path := range first {
		here, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		there, err := os.ReadFile(filepath.Join(elsewhere, filepath.Base(path)))
		if err != nil {
			t.Fatal(err)
		}
		if string(here) != string(there) {
			t.Errorf("%s: %d bytes here, %d there, and not the same", filepath.Base(path), len(here), len(there))
		}
	}
}

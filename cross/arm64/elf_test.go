//go:build arm64emulated

package arm64

import (
	"bufio"
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gourdian/internal/capture"
	"gourdian/internal/infer/ort"
	"gourdian/internal/testbed"
)

// loaded are the files that a board's loader meets.
func loaded() []string { return append(programs(), ort.LibraryFile) }

func open(t *testing.T, name string) *elf.File {
	t.Helper()
	file, err := elf.Open(built(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // only read
	if file.Machine != elf.EM_AARCH64 {
		t.Fatalf("%s is for %v", name, file.Machine)
	}
	return file
}

// offered are the newest versions of symbols that Debian 12 has, and of the C
// library the oldest that the package is content with. A program that asks for
// more does not start there.
func offered(t *testing.T) map[string][]int {
	t.Helper()
	least, found := strings.CutPrefix(dependencies(t)["libc6"], ">= ")
	if !found {
		t.Fatalf("the package asks for libc6 %q", dependencies(t)["libc6"])
	}
	return map[string][]int{"GLIBC": numbers(least), "GLIBCXX": {3, 4, 30}, "CXXABI": {1, 3, 13}, "GCC": {12, 0, 0}}
}

func TestARMProgramsAskForNothingThatABoardLacks(t *testing.T) {
	t.Parallel()
	limits, asked := offered(t), 0
	for _, name := range loaded() {
		file := open(t, name)
		if file.Section(".dynamic") == nil {
			continue // agent, hub and gourdianctl stand alone
		}
		needs, err := file.DynamicVersionNeeds()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, need := range needs {
			for _, version := range need.Needs {
				asked++
				if newer(version.Dep, limits) {
					t.Errorf("%s needs %s of %s", name, version.Dep, need.Name)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("nothing asks for any version")
	}
	for _, version := range []string{"GLIBC_2.38", "GLIBCXX_3.4.32", "GCC_13.0.0", "GLIBC_PRIVATE", "FUTURE_1"} {
		if !newer(version, limits) {
			t.Errorf("%s passes", version)
		}
	}
	if newer("GLIBC_2.4", limits) {
		t.Error("2.4 counts as newer than 2.34")
	}
}

// newer reports whether a version such as GLIBC_2.36 is above the limit of its
// name, or has none.
func newer(version string, limits map[string][]int) bool {
	name, number, _ := strings.Cut(version, "_")
	have, limit := numbers(number), limits[name]
	return have == nil || limit == nil || slices.Compare(have, limit) > 0
}

// numbers reads 2.36; nil where that is no version.
func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		out = append(out, n)
	}
	return out
}

// dependencies are the packages that the .deb asks for, with their condition.
func dependencies(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testbed.Root(t), "cross", "package", "gourdian-workers.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^depends:\n((?:  - .*\n)+)`).FindSubmatch(text)
	if list == nil {
		t.Fatal("gourdian-workers.yaml has no list of dependencies")
	}
	out := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^  - (\S+)(?: \((.*)\))?$`).FindAllSubmatch(list[1], -1) {
		out[string(found[1])] = string(found[2])
	}
	return out
}

func TestThePackageBringsEveryLibraryThatARMProgramsNeed(t *testing.T) {
	t.Parallel()
	depends, owners := dependencies(t), owners(t)
	for _, name := range loaded() {
		libraries, err := open(t, name).ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		if name == capture.Program && len(libraries) < 5 {
			t.Errorf("%s needs only %v: this looks in the wrong place", name, libraries)
		}
		for _, library := range libraries {
			owner := owners[placeOf(t, library)]
			if _, asked := depends[owner]; !asked {
				t.Errorf("%s needs %s of %q, which the package does not depend on", name, library, owner)
			}
		}
	}
}

// placeOf is the file behind a library's name, as a path of the board.
func placeOf(t *testing.T, library string) string {
	t.Helper()
	sysroot := filepath.Join(testbed.Root(t), ".cache", "arm64", "sysroot")
	for _, folder := range []string{"lib", "usr/lib"} {
		if real, err := filepath.EvalSymlinks(filepath.Join(sysroot, folder, "aarch64-linux-gnu", library)); err == nil {
			return strings.TrimPrefix(real, sysroot)
		}
	}
	return ""
}

// owners maps libraries to the package that brings each.
func owners(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join(testbed.Root(t), ".cache", "arm64", "sysroot", ".owners"))
	if err != nil {
		t.Fatalf("%v: run `make arm64` first", err)
	}
	defer file.Close()
	out := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, path, _ := strings.Cut(lines.Text(), " ")
		out[path] = name
	}
	return out
}

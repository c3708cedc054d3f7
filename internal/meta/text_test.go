package meta

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// maxFileBytes keeps weights, libraries and recordings out: they come from the
// set-up, with their hashes.
const maxFileBytes = 1 << 20

// words are written in halves here, so that this file passes its own rule.
func unfinished() *regexp.Regexp {
	return regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
}

// registryHosts are where package managers go by themselves. A host in the tree
// would overrule the mirror that a person or a company has configured.
func registryHosts() []string {
	return []string{
		"registry." + "npmjs.org", "registry." + "yarnpkg.com",
		"pypi." + "org", "files." + "pythonhosted.org",
		"proxy." + "golang.org", "sum." + "golang.org",
		"deb." + "debian.org", "archive." + "ubuntu.com",
	}
}

// checkText returns one line for each file with unfinished work, a registry's
// host, or more bytes than a source should have.
func checkText(t *testing.T, tr tree) []string {
	t.Helper()
	var faults []string
	for _, name := range tr.names {
		info, err := fs.Stat(tr.fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() { // a link to a folder
			continue
		}
		if info.Size() > maxFileBytes {
			faults = append(faults, fmt.Sprintf("%s: %d bytes, at most %d: let the set-up fetch it", name, info.Size(), maxFileBytes))
			continue
		}
		data := tr.read(t, name)
		if bytes.IndexByte(data, 0) >= 0 { // a picture
			continue
		}
		if word := unfinished().Find(data); word != nil {
			faults = append(faults, fmt.Sprintf("%s: holds %q: finish it or open an issue", name, word))
		}
		for _, host := range registryHosts() {
			if strings.Contains(string(data), host) {
				faults = append(faults, fmt.Sprintf("%s: names the registry %s: leave the choice to the package manager's settings", name, host))
			}
		}
	}
	return faults
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, fault := range checkText(t, committed(t)) {
		t.Error(fault)
	}
}

func TestTextRulesAreSeenToFail(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"a.go":              "package a // TO" + "DO: think\n",
		"b.sh":              "# FIX" + "ME\n",
		"package-lock.json": `{"resolved": "https://registry.` + `npmjs.org/htmx"}`,
		"setup.sh":          "pip download --index-url https://pypi." + "org/simple x\n",
		"model.onnx":        strings.Repeat("\x00", maxFileBytes+1),
	} {
		if faults := checkText(t, memory(map[string]string{name: bad})); len(faults) != 1 {
			t.Errorf("%s: %q", name, faults)
		}
	}
	good := memory(map[string]string{
		"a.go":      "package a // todos los campos; XX" + "XL\n",
		"small.png": "\x89PNG\x00TO" + "DO",
	})
	if faults := checkText(t, good); len(faults) > 0 {
		t.Errorf("good files are blamed: %q", faults)
	}
}

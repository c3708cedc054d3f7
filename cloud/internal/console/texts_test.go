package console

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gourdian/internal/web"
)

// said are the keys that stand in the hub's source and templates, and the
// beginnings of those that are put together there.
func said(t *testing.T) (keys, beginnings []string) {
	t.Helper()
	quoted := regexp.MustCompile(`"(hub\.[a-z0-9_.]+)"`)
	comment := regexp.MustCompile(`(?m)^\s*//.*$`)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".html" {
			return nil
		}
		text, err := os.ReadFile(path)
		text = comment.ReplaceAll(text, nil)
		for _, found := range quoted.FindAllStringSubmatch(string(text), -1) {
			if strings.HasSuffix(found[1], ".") || strings.HasSuffix(found[1], "_") {
				beginnings = append(beginnings, found[1])
			} else {
				keys = append(keys, found[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, beginnings
}

func catalogue(t *testing.T) *web.Catalogue {
	t.Helper()
	c, err := web.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryTextIsThereAndEveryOneIsUsed(t *testing.T) {
	t.Parallel()
	known := catalogue(t).Keys(web.English)
	keys, beginnings := said(t)
	if len(keys) < 100 || len(beginnings) < 5 {
		t.Fatalf("only %d keys and %d beginnings were found", len(keys), len(beginnings))
	}
	for _, key := range keys {
		if !slices.Contains(known, key) && !slices.Contains(known, key+".one") && !isNoText(key) {
			t.Errorf("%s has no text", key)
		}
	}
	for _, key := range known {
		if !strings.HasPrefix(key, "hub.") {
			continue
		}
		form := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		made := slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(key, b) })
		if !slices.Contains(keys, key) && !slices.Contains(keys, form) && !made {
			t.Errorf("nothing uses %s", key)
		}
	}
}

// isNoText: the log of changes and the files of a hub have names of the same form.
func isNoText(key string) bool { return key == "hub.setup" || strings.HasSuffix(key, ".sqlite") }

// calls finds the words that stand at a place of the hub's source.
func calls(t *testing.T, pattern string) []string {
	t.Helper()
	var found []string
	look := regexp.MustCompile(pattern)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range look.FindAllStringSubmatch(string(text), -1) {
			found = append(found, match[1])
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing was found by %s: %v", pattern, err)
	}
	return found
}

// TestWhatIsPutTogetherHasWords: keys that are made of what other packages say.
func TestWhatIsPutTogetherHasWords(t *testing.T) {
	t.Parallel()
	v := catalogue(t).In(web.English)
	for beginning, pattern := range map[string]string{
		"hub.health.": `\{Code: "([a-z_]+)", Severity: health`,
		"hub.error.":  `(?:Refuse|ShowError)\(c, [^,]+, "([a-z_]+)"\)`,
	} {
		for _, code := range calls(t, pattern) {
			for _, key := range []string{beginning + code, beginning + code + ".do"} {
				if !v.Has(key) {
					t.Errorf("%s has no text", key)
				}
			}
		}
	}
	for _, action := range append(calls(t, `WriteIn\(ctx, tx, [^,]+, "([a-z]+\.[a-z_.]+)"`), calls(t, `[aA]udit\.Write\([^,]+, [^,]+, "([a-z]+\.[a-z_.]+)"`)...) {
		if !v.Has("hub.did." + action) {
			t.Errorf("hub.did.%s has no text", action)
		}
	}
	for _, step := range calls(t, `\{Name: "([a-z]+)", Path: "[^"]*", Least: [^,]+, Count`) {
		for _, end := range []string{"", ".count.one"} {
			if !v.Has("hub.step." + step + end) {
				t.Errorf("hub.step.%s%s has no text", step, end)
			}
		}
	}
}

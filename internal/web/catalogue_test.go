package web

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func loaded(t *testing.T) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEveryTextIsInEveryLanguage compares keys and the gaps in their texts: a
// gap that one language lacks is a number that its readers never see.
func TestEveryTextIsInEveryLanguage(t *testing.T) {
	t.Parallel()
	c := loaded(t)
	english := c.Keys(English)
	if len(english) < 200 {
		t.Fatalf("%d texts", len(english))
	}
	for _, lang := range Languages() {
		if keys := c.Keys(lang); !slices.Equal(keys, english) {
			t.Errorf("%s has other keys: %q", lang, difference(keys, english))
		}
		for _, key := range c.Keys(lang) {
			text := c.In(lang).Say(key)
			if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
				t.Errorf("%s %s: %q", lang, key, text)
			}
			if got, want := gaps(text), gaps(c.In(English).Say(key)); !slices.Equal(got, want) {
				t.Errorf("%s %s: gaps %q, in English %q", lang, key, got, want)
			}
		}
	}
}

func difference(a, b []string) []string {
	var only []string
	for _, pair := range [][2][]string{{a, b}, {b, a}} {
		for _, key := range pair[0] {
			if !slices.Contains(pair[1], key) {
				only = append(only, key)
			}
		}
	}
	return only
}

func gaps(text string) []string {
	found := regexp.MustCompile(`\{[a-z_]+\}`).FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// TestSingularsHavePlurals keeps Count from meeting half a pair.
func TestSingularsHavePlurals(t *testing.T) {
	t.Parallel()
	keys := loaded(t).Keys(English)
	for _, key := range keys {
		for _, pair := range [][2]string{{".one", ".other"}, {".other", ".one"}} {
			if stem, ok := strings.CutSuffix(key, pair[0]); ok && !slices.Contains(keys, stem+pair[1]) {
				t.Errorf("%s has no %s", key, pair[1])
			}
		}
	}
}

func TestDamagedTextsAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":          `{"a":`,
		"unknown language": `{"a": {"en": "A", "fr": "A"}}`,
		"twice":            `{"again": {"en": "A", "es": "A"}}`,
	} {
		files := fstest.MapFS{
			"texts/a.json": {Data: []byte(`{"again": {"en": "A", "es": "A"}}`)},
			"texts/b.json": {Data: []byte(text)},
		}
		if _, err := load(files); err == nil || !strings.Contains(err.Error(), "texts/b.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChoosingALanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kept, header, setting string
		want                  Lang
	}{
		{"", "", "", English},
		{"", "", "es", Spanish},
		{"", "de,en;q=0.5", "es", English},
		{"", "es-MX,es;q=0.9,en;q=0.8", "en", Spanish},
		{"", "en;q=0.3, es;q=0.7", "", Spanish},
		{"", "es;q=0, en;q=0", "auto", English},
		{"", "es;q=x", "auto", English},
		{"", strings.Repeat("x,", 200) + "es", "", English},
		{"es", "en", "en", Spanish},
		{"xx", "es", "", Spanish},
	} {
		if got := Choose(c.kept, c.header, c.setting); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

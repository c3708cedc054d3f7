package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Lang is a language of the catalogue, as BCP 47 writes it.
type Lang string

// Languages of every text.
const (
	English Lang = "en"
	Spanish Lang = "es"
)

// Languages returns all languages of the catalogue, English first.
func Languages() []Lang { return []Lang{English, Spanish} }

//go:embed texts/*.json
var textFiles embed.FS

// Catalogue holds every text that a person reads, in every language.
// It does not change after Load and may be used from many goroutines.
type Catalogue struct {
	texts map[Lang]map[string]string
}

// Load reads the embedded texts. It fails when a file is malformed or a key
// stands in two files.
func Load() (*Catalogue, error) { return load(textFiles) }

// load reads all texts/*.json of dir. Each file maps a key to its texts by
// language: {"nav.now": {"en": "Now", "es": "Ahora"}}.
func load(dir fs.FS) (*Catalogue, error) {
	names, err := fs.Glob(dir, "texts/*.json")
	if err != nil {
		return nil, fmt.Errorf("list texts: %w", err)
	}
	c := &Catalogue{texts: map[Lang]map[string]string{}}
	for _, lang := range Languages() {
		c.texts[lang] = map[string]string{}
	}
	for _, name := range names {
		if err := c.add(dir, name); err != nil {
			return nil, fmt.Errorf("texts %s: %w", name, err)
		}
	}
	return c, nil
}

func (c *Catalogue) add(dir fs.FS, name string) error {
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	var byKey map[string]map[Lang]string
	if err := json.Unmarshal(data, &byKey); err != nil {
		return err
	}
	for key, byLang := range byKey {
		for lang, text := range byLang {
			texts, ok := c.texts[lang]
			if !ok {
				return fmt.Errorf("key %s: unknown language %q", key, lang)
			}
			if _, twice := texts[key]; twice {
				return fmt.Errorf("key %s stands twice", key)
			}
			texts[key] = text
		}
	}
	return nil
}

// Keys returns all keys of a language, sorted.
func (c *Catalogue) Keys(lang Lang) []string {
	return slices.Sorted(maps.Keys(c.texts[lang]))
}

// In returns a speaker of lang, or of English where lang is unknown.
func (c *Catalogue) In(lang Lang) *Speaker {
	texts, ok := c.texts[lang]
	if !ok {
		lang, texts = English, c.texts[English]
	}
	return &Speaker{lang: lang, texts: texts}
}

// Choose picks the language of a reader: first the one kept in a cookie, then
// the best of an Accept-Language header, then the board's own setting ("auto"
// or "" = none), then English.
func Choose(kept, acceptLanguage, setting string) Lang {
	if lang, ok := known(kept); ok {
		return lang
	}
	if lang, ok := accepted(acceptLanguage); ok {
		return lang
	}
	if lang, ok := known(setting); ok {
		return lang
	}
	return English
}

func known(name string) (Lang, bool) {
	lang := Lang(name)
	return lang, slices.Contains(Languages(), lang)
}

// accepted returns the known language with the highest quality value (RFC 9110,
// section 12.5.4); on a tie the first one wins.
func accepted(header string) (Lang, bool) {
	const longest = 256 // a browser's header is far shorter; more is not worth reading
	if len(header) > longest {
		header = header[:longest]
	}
	var best Lang
	bestQuality := 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, quality := languageRange(part)
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if lang, ok := known(primary); ok && quality > bestQuality {
			best, bestQuality = lang, quality
		}
	}
	return best, bestQuality > 0
}

func languageRange(part string) (tag string, quality float64) {
	tag, params, _ := strings.Cut(part, ";")
	quality = 1
	if value, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
		quality = 0
		if _, err := fmt.Sscanf(value, "%f", &quality); err != nil {
			quality = 0
		}
	}
	return strings.TrimSpace(tag), quality
}

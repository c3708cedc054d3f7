package bundle

import (
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"gourdian/internal/verdict"
	"gourdian/internal/wire"
)

// Limits of a manifest's lists.
const (
	maxClasses  = 256
	maxVariants = 16
	maxGolden   = 64
	maxText     = 200 // bytes of a name or word that a person reads
	maxSources  = 1000
)

// Languages are those in which every class has a word.
func Languages() []string { return []string{"en", "es"} }

// validate checks everything that the manifest alone can say, Files included.
func (m *Manifest) validate() error {
	for _, check := range []func() error{m.checkVersion, m.checkTexts, m.checkClasses, m.checkFiles, m.checkVariants, m.checkGolden, m.checkProvenance, m.checkUse} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manifest) checkVersion() error {
	switch {
	case m.Format > Format:
		return fmt.Errorf("%w: it has format %d, this program knows %d: update this program", ErrVersion, m.Format, Format)
	case m.Format < Format:
		return fmt.Errorf("%w: it has format %d, this program needs %d: train the model again", ErrVersion, m.Format, Format)
	}
	return nil
}

func (m *Manifest) checkTexts() error {
	if m.Task != TaskGrade && m.Task != TaskCustom {
		return fmt.Errorf("%w: unknown task %q", ErrManifest, m.Task)
	}
	for _, text := range []struct{ what, value string }{
		{"name", m.Name}, {"preprocess", m.Preprocess}, {"backbone", m.Backbone},
	} {
		if err := checkText(text.what, text.value); err != nil {
			return err
		}
	}
	return nil
}

// checkText refuses what could forge a line of a log or a page.
func checkText(what, value string) error {
	if value == "" || len(value) > maxText {
		return fmt.Errorf("%w: %s of %d bytes, allowed are 1 to %d", ErrManifest, what, len(value), maxText)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("%w: %s is not UTF-8", ErrManifest, what)
	}
	for _, c := range value {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("%w: %s holds the unprintable character %U", ErrManifest, what, c)
		}
	}
	return nil
}

func (m *Manifest) checkClasses() error {
	if len(m.Classes) < 1 || len(m.Classes) > maxClasses {
		return fmt.Errorf("%w: %d classes, allowed are 1 to %d", ErrManifest, len(m.Classes), maxClasses)
	}
	grades := []string{string(wire.Good), string(wire.Regular), string(wire.Bad), string(wire.NotPumpkin)}
	for i, c := range m.Classes {
		if err := checkText(fmt.Sprintf("name of class %d", i), c.Name); err != nil {
			return err
		}
		if c.Name == string(wire.Unsure) {
			return fmt.Errorf("%w: a class can't be called %q", ErrManifest, c.Name)
		}
		if slices.ContainsFunc(m.Classes[:i], func(o Class) bool { return o.Name == c.Name }) {
			return fmt.Errorf("%w: class %q twice", ErrManifest, c.Name)
		}
		if m.Task == TaskGrade && !slices.Contains(grades, c.Name) {
			return fmt.Errorf("%w: task grade has no class %q", ErrManifest, c.Name)
		}
		for _, language := range Languages() {
			if err := checkText(fmt.Sprintf("word of class %q in %q", c.Name, language), c.Labels[language]); err != nil {
				return err
			}
		}
		if len(c.Labels) != len(Languages()) {
			return fmt.Errorf("%w: class %q has words in %d languages, not %d", ErrManifest, c.Name, len(c.Labels), len(Languages()))
		}
	}
	return nil
}

func (m *Manifest) checkFiles() error {
	if len(m.Files) > MaxFiles {
		return fmt.Errorf("%w: %d entries, at most %d are allowed", ErrTooLarge, len(m.Files), MaxFiles)
	}
	total := int64(blockSize + MaxManifest + trailerSize)
	for i, f := range m.Files {
		if err := checkName(f.Name); err != nil {
			return err
		}
		if i > 0 && f.Name <= m.Files[i-1].Name {
			return fmt.Errorf("%w: files %q and %q are twice there or not sorted", ErrManifest, m.Files[i-1].Name, f.Name)
		}
		if f.Size < 0 || f.Size > MaxSize {
			return fmt.Errorf("%w: %s claims %d bytes, at most %d are allowed", ErrTooLarge, f.Name, f.Size, int64(MaxSize))
		}
		if total += blockSize + padded(f.Size); total > MaxSize {
			return fmt.Errorf("%w: the files claim more than %d bytes", ErrTooLarge, int64(MaxSize))
		}
		if _, err := parseHash(f.SHA256); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrManifest, f.Name, err)
		}
	}
	return nil
}

func (m *Manifest) checkVariants() error {
	if len(m.Variants) < 1 || len(m.Variants) > maxVariants {
		return fmt.Errorf("%w: %d variants, allowed are 1 to %d", ErrManifest, len(m.Variants), maxVariants)
	}
	for i, v := range m.Variants {
		if err := checkName(v.Name); err != nil {
			return fmt.Errorf("variant: %w", err)
		}
		if i > 0 && v.Name <= m.Variants[i-1].Name {
			return fmt.Errorf("%w: variants %q and %q are twice there or not sorted", ErrManifest, m.Variants[i-1].Name, v.Name)
		}
		if err := m.checkNumbers(v); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrVariant, v.Name, err)
		}
	}
	return nil
}

func (m *Manifest) checkNumbers(v Variant) error {
	// One made-up reference stands for the entry, which can't be read yet.
	params := m.params(v, verdict.References{Dim: 1, K: 1, Rows: []int8{1}, Scales: []float32{1}})
	if err := params.Validate(); err != nil {
		return err
	}
	if v.Neighbours < 1 {
		return fmt.Errorf("novelty from %d neighbours", v.Neighbours)
	}
	if _, ok := v.Tolerance[AnyCPU]; !ok {
		return fmt.Errorf("no tolerance for CPU class %q", AnyCPU)
	}
	for cpu, tolerance := range v.Tolerance {
		if err := checkName(cpu); err != nil {
			return fmt.Errorf("CPU class: %w", err)
		}
		if !(tolerance > 0) || math.IsInf(tolerance, 0) {
			return fmt.Errorf("tolerance %v for CPU class %q is not above 0", tolerance, cpu)
		}
	}
	return nil
}

func (m *Manifest) checkGolden() error {
	if len(m.Golden) < 1 || len(m.Golden) > maxGolden {
		return fmt.Errorf("%w: %d golden frames, allowed are 1 to %d", ErrManifest, len(m.Golden), maxGolden)
	}
	for _, g := range m.Golden {
		if len(g.Expected) != len(m.Variants) {
			return fmt.Errorf("%w: golden frame %s expects logits of %d variants, there are %d", ErrManifest, g.Tensor, len(g.Expected), len(m.Variants))
		}
		for _, v := range m.Variants {
			logits := g.Expected[v.Name]
			if len(logits) != len(m.Classes) {
				return fmt.Errorf("%w: golden frame %s expects %d logits of %s for %d classes", ErrManifest, g.Tensor, len(logits), v.Name, len(m.Classes))
			}
			for _, x := range logits {
				if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
					return fmt.Errorf("%w: golden frame %s expects %v of %s", ErrManifest, g.Tensor, x, v.Name)
				}
			}
		}
	}
	return nil
}

func (m *Manifest) checkProvenance() error {
	p := m.Provenance
	if !slices.Contains([]string{KindRendered, KindPhotos, KindMixed}, p.Kind) {
		return fmt.Errorf("%w: provenance of unknown kind %q", ErrManifest, p.Kind)
	}
	if p.Images < 1 || p.Groups < 1 || p.Groups > p.Images {
		return fmt.Errorf("%w: provenance of %d images in %d groups", ErrManifest, p.Images, p.Groups)
	}
	for name, images := range p.Classes {
		if !slices.ContainsFunc(m.Classes, func(c Class) bool { return c.Name == name }) || images < 0 {
			return fmt.Errorf("%w: provenance counts %d images of %q", ErrManifest, images, name)
		}
	}
	if len(p.Sources) > maxSources {
		return fmt.Errorf("%w: %d sources, at most %d are allowed", ErrManifest, len(p.Sources), maxSources)
	}
	for i, source := range p.Sources {
		if err := checkText("source", source); err != nil {
			return err
		}
		if i > 0 && source <= p.Sources[i-1] {
			return fmt.Errorf("%w: sources %q and %q are twice there or not sorted", ErrManifest, p.Sources[i-1], source)
		}
	}
	return nil
}

// checkUse makes sure that every file that is named is listed, and none for nothing.
func (m *Manifest) checkUse() error {
	used := map[string]bool{m.Trained: true}
	for _, v := range m.Variants {
		used[v.Graph], used[v.References] = true, true
	}
	for _, g := range m.Golden {
		used[g.Tensor] = true
	}
	for _, f := range m.Files {
		if !used[f.Name] {
			return fmt.Errorf("%w: nothing uses %s", ErrExtra, f.Name)
		}
		delete(used, f.Name)
	}
	for name := range used {
		return fmt.Errorf("%w: the manifest names %q and doesn't list it", ErrMissing, name)
	}
	return nil
}

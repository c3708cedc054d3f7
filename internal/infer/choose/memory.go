package choose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Choice is what was chosen, and from what.
type Choice struct {
	Bundle  string   `json:"bundle"`  // id
	Machine string   `json:"machine"` // Machine, threads and provider
	Library string   `json:"library"` // as the worker names it
	Allowed []string `json:"allowed"` // variants that were tried
	Variant string   `json:"variant"` // the one taken
	Reason  Reason   `json:"reason"`  // why
	Trials  []Trial  `json:"trials"`  // how each did
}

// Provider is the one that the chosen variant was tried on, "" where it was not
// tried.
func (c *Choice) Provider() string {
	for _, t := range c.Trials {
		if t.Variant == c.Variant {
			return t.Provider
		}
	}
	return ""
}

const (
	memoryFormat = 1
	// memoryFileMost is the largest file that is read, in bytes.
	memoryFileMost = 1 << 20
	// choicesMost are kept, the newest first: one for each bundle that may come
	// back.
	choicesMost = 16
)

// Memory keeps choices in a file. What can't be read is forgotten: trials can
// be made again.
type Memory struct{ Path string }

type memoryFile struct {
	Format  int      `json:"format"`
	Choices []Choice `json:"choices"`
}

// Recall returns the choice for a bundle on a machine among the allowed
// variants, if there was one. That the library is still the same can only be
// seen once a worker is up.
func (m Memory) Recall(bundle, machine string, allowed []string) (Choice, bool) {
	for _, c := range m.read() {
		if c.Bundle == bundle && c.Machine == machine && slices.Equal(c.Allowed, allowed) && slices.Contains(allowed, c.Variant) {
			return c, true
		}
	}
	return Choice{}, false
}

// Keep remembers a choice, whole or not at all.
func (m Memory) Keep(choice Choice) error {
	kept := []Choice{choice}
	for _, c := range m.read() {
		if (c.Bundle != choice.Bundle || c.Machine != choice.Machine) && len(kept) < choicesMost {
			kept = append(kept, c)
		}
	}
	return m.write(kept)
}

// Forget drops the choices for a bundle.
func (m Memory) Forget(bundle string) error {
	kept := slices.DeleteFunc(m.read(), func(c Choice) bool { return c.Bundle == bundle })
	return m.write(kept)
}

func (m Memory) read() []Choice {
	file, err := os.Open(m.Path)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, memoryFileMost))
	if err != nil {
		return nil
	}
	return decodeMemory(data)
}

// decodeMemory returns the choices of a file, none of a damaged one.
func decodeMemory(data []byte) []Choice {
	var f memoryFile
	if json.Unmarshal(data, &f) != nil || f.Format != memoryFormat {
		return nil
	}
	return slices.DeleteFunc(f.Choices, func(c Choice) bool { return c.Bundle == "" || c.Variant == "" })
}

func (m Memory) write(choices []Choice) error {
	data, err := json.MarshalIndent(memoryFile{memoryFormat, choices}, "", "  ")
	if err != nil {
		return fmt.Errorf("remember the variant: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(m.Path), 0o755); err != nil {
		return fmt.Errorf("remember the variant: %w", err)
	}
	temporary := m.Path + ".new"
	err = os.WriteFile(temporary, data, 0o644)
	if err == nil {
		err = os.Rename(temporary, m.Path)
	}
	if err != nil {
		if gone := os.Remove(temporary); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return fmt.Errorf("remember the variant: %w", err)
	}
	return nil
}

package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gourdian/internal/durable"
	"gourdian/internal/wire"
)

// Names in the folder of updates.
const (
	journalName = "journal.json"
	trustName   = "trust"  // metadata
	piecesName  = "pieces" // of what is being downloaded, by hash
	modelsName  = "models" // bundles, by id
	clockName   = "clock.json"
	bundleEnd   = ".gourdian"
)

const journalFormat = 1

// refusedMost bounds what a journal remembers of refused rollouts.
const refusedMost = 50

// journal is what outlives a restart. It is written whole, and synced, before
// what it says is done.
type journal struct {
	Format int    `json:"format"`
	Hub    string `json:"hub"` // hash of the CA of the hub that the rest came from
	// Current is the bundle id of the hub's model that serves, "" = the board's
	// own. Previous is what served before it.
	Current  string `json:"current"`
	Previous string `json:"previous"`
	// Soaking: Current has not yet shown itself. Starts counts how often the
	// board has started since.
	Soaking bool `json:"soaking"`
	Starts  int  `json:"starts"`
	// Refused are the rollouts that are not tried again, oldest first.
	Refused []string          `json:"refused"`
	State   *wire.UpdateState `json:"state"` // as it was told last; nil = nothing yet
	Wish    wish              `json:"wish"`
	// Known are the variants that were weighed against each other here.
	Known []string `json:"known"`
}

// folder is where everything lies.
type folder string

func (f folder) path(names ...string) string {
	return filepath.Join(append([]string{string(f)}, names...)...)
}

// bundle is the place of the hub's model; "" for none.
func (f folder) bundle(id string) string {
	if id == "" {
		return ""
	}
	return f.path(modelsName, id+bundleEnd)
}

// load reads the journal. One that is missing or damaged is an empty one: then
// the board's own model serves.
func (f folder) load() (journal, error) {
	j := journal{Format: journalFormat}
	data, err := os.ReadFile(f.path(journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	var read journal
	if err == nil {
		err = json.Unmarshal(data, &read)
	}
	if err == nil && read.Format != journalFormat {
		err = fmt.Errorf("format %d, this program knows %d", read.Format, journalFormat)
	}
	if err != nil {
		return j, fmt.Errorf("read the journal of updates: %w", err)
	}
	return read, nil
}

func (f folder) save(j journal) error {
	if n := len(j.Refused); n > refusedMost {
		j.Refused = j.Refused[n-refusedMost:]
	}
	data, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("write the journal of updates: %w", err)
	}
	if err := durable.WriteFile(f.path(journalName), append(data, '\n'), private); err != nil {
		return fmt.Errorf("write the journal of updates: %w", err)
	}
	return nil
}

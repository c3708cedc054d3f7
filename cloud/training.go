package cloud

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gourdian/cloud/internal/console"
	"gourdian/cloud/internal/pipeline"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/service"
	"gourdian/models/backbone"
)

// Folders of the data folder that hold what can be made again: they are in no
// backup.
const (
	scratchName    = ".training"
	embeddingsName = ".embeddings"
)

// openTraining wires the pipeline and its pages. A run that a hub left without a
// job is ordered once jobs are done.
func (h *Hub) openTraining() error {
	p, c := &h.pictures, &h.config
	file, err := checkpoint(c.Workers.Backbone)
	if err != nil {
		return err
	}
	runs, err := pipeline.New(pipeline.Config{
		Dir: filepath.Join(c.Data, scratchName), Version: h.build.Version, Log: h.log,
		Maker: &pipeline.Workers{
			Checkpoint: file, Cache: filepath.Join(c.Data, embeddingsName), Side: c.Predict.workers(),
			Infer:  infer.Options{Program: c.Workers.Infer, Library: c.Workers.OnnxRuntime, Threads: 1, Log: h.log},
			Camera: capture.Options{Program: c.Workers.Camera, Log: h.log},
		},
	}, h.db, p.blobs, p.datasets, p.samples, p.registry, h.jobs)
	if err != nil {
		return err
	}
	h.group.Add(service.Part{Name: "training", Policy: service.Restart, Run: func(ctx context.Context) error { return runs.Mend(ctx) }})
	h.console.Add((&console.Runs{
		Console: h.console, Runs: runs, Jobs: h.jobs, Sets: p.datasets, Registry: p.registry,
	}).Section())
	return nil
}

// checkpoint is the path of the backbone's: as given, else where packages and
// set-up put it. One that is nowhere is missed by the first training, which says
// so.
func checkpoint(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the backbone: %w", err)
	}
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	folder, name := filepath.Dir(program), backbone.Catalogue()[0].File
	packaged := filepath.Join(folder, "lib", name)
	if _, err := os.Stat(packaged); err == nil {
		return packaged, nil
	}
	return filepath.Join(filepath.Dir(folder), ".cache", "backbone", name), nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// train makes a model with the program that people use and reads its report.
func (b *bench) train(ctx context.Context, data, task, name string) (*train.Report, error) {
	var r train.Report
	return &r, ctl(ctx, &r, "model", "train", "--data", data, "--task", task, "--out", b.model(name), "--json")
}

// eval measures a model that train made.
func (b *bench) eval(ctx context.Context, name, data string) (*evaluate.Report, error) {
	if _, err := os.Stat(b.model(name)); err != nil {
		return nil, fmt.Errorf("the model %q is missing: run its step first", name)
	}
	var r evaluate.Report
	return &r, ctl(ctx, &r, "model", "eval", "--bundle", b.model(name), "--data", data, "--json")
}

// render writes a folder of rendered photos.
func (b *bench) render(ctx context.Context, name string, count, seed int) error {
	out := filepath.Join(b.work, name)
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return ctl(ctx, nil, "render", "--out", out, "--count", strconv.Itoa(count), "--seed", strconv.Itoa(seed))
}

// ctl runs gourdianctl and decodes what it prints, unless into is nil.
func ctl(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join("bin", "gourdianctl"), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("gourdianctl %s %s: %w", args[0], args[1], err)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("gourdianctl %s %s: read its report: %w", args[0], args[1], err)
	}
	return nil
}

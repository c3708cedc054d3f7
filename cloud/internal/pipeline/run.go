package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"

	"gourdian/cloud/internal/blob"
	"gourdian/cloud/internal/dataset"
	"gourdian/cloud/internal/db"
	"gourdian/cloud/internal/job"
	"gourdian/cloud/internal/registry"
	"gourdian/internal/infer"
	"gourdian/models/evaluate"
	"gourdian/models/train"
)

// Names of steps; the catalogue has words: "hub.run.step.<name>".
const (
	StepValidate = "validate"
	StepFeatures = "features"
	StepTrain    = "train"
	StepEvaluate = "evaluate"
	StepRegister = "register"
	StepGate     = "gate"
)

// Valid is what the step validate found.
type Valid struct {
	Images int            `json:"images"` // that may be learnt from
	Golden int            `json:"golden"`
	Gone   []string       `json:"gone"` // deleted since the data set was made
	Counts dataset.Counts `json:"counts"`
}

// Trained is what the step train made.
type Trained struct {
	Blob   string        `json:"blob"` // of the bundle's file
	Report *train.Report `json:"report"`
}

// Evaluated is what the step evaluate measured.
type Evaluated struct {
	Report *evaluate.Report      `json:"report"`
	All    []evaluate.Prediction `json:"predictions"`
}

// registered is what the step register did.
type registered struct {
	Version int64 `json:"version"`
}

// Result of a run as its job gives it.
type Result struct {
	Run     int64  `json:"run"`
	Version int64  `json:"version"` // that met the champion
	Outcome string `json:"outcome"`
}

// execution is one try of a run.
type execution struct {
	*Pipeline
	run      Run
	spec     Spec
	manifest *dataset.Manifest
	progress *job.Progress
	dir      string
	seq      int64
	golden   []dataset.Picture // once they were asked for
}

// run does a run. It may be cut off anywhere and begin anew.
func (p *Pipeline) run(ctx context.Context, args runArgs, progress *job.Progress) (Result, error) {
	r, err := p.Get(ctx, args.Run)
	if errors.Is(err, ErrNotFound) {
		return Result{}, job.Final(err)
	}
	if err != nil {
		return Result{}, err
	}
	x := &execution{Pipeline: p, run: r, progress: progress, dir: filepath.Join(p.config.Dir, "dataset-"+r.Manifest[:12])}
	if x.spec, err = r.Spec(); err != nil {
		return Result{}, job.Final(err)
	}
	if x.manifest, err = p.data.Open(ctx, r.Manifest); err != nil {
		return Result{}, err
	}
	result, err := x.all(ctx)
	if err != nil && ctx.Err() == nil { // pictures and models are kept elsewhere
		err = errors.Join(err, os.RemoveAll(x.dir))
	}
	if err == nil {
		err = os.RemoveAll(x.dir)
	}
	return result, err
}

func (x *execution) all(ctx context.Context) (Result, error) {
	valid, err := x.validate(ctx)
	if err != nil {
		return Result{}, err
	}
	features, err := x.features(ctx, valid)
	if err != nil {
		return Result{}, err
	}
	var candidates []contender
	for _, c := range x.spec.Candidates {
		one, err := x.train(ctx, c, features)
		if err != nil {
			return Result{}, fmt.Errorf("candidate %s: %w", c.Name, err)
		}
		candidates = append(candidates, one)
	}
	champion, err := x.champion(ctx)
	if err != nil {
		return Result{}, err
	}
	if champion != nil {
		if err := x.evaluateAll(ctx, champion); err != nil {
			return Result{}, fmt.Errorf("the champion: %w", err)
		}
	}
	for i := range candidates {
		if err := x.evaluateAll(ctx, &candidates[i]); err != nil {
			return Result{}, fmt.Errorf("candidate %s: %w", candidates[i].name, err)
		}
	}
	for i := range candidates {
		if err := x.register(ctx, &candidates[i]); err != nil {
			return Result{}, fmt.Errorf("candidate %s: %w", candidates[i].name, err)
		}
	}
	return x.gate(ctx, candidates, champion)
}

// step does one step, or takes what it left when it was done before. inputs are
// all that the artefact depends on.
func (x *execution) step(ctx context.Context, name, subject string, inputs any, do func(ctx context.Context) (any, error)) (text []byte, artefact string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	x.seq++
	x.progress.Step(name, 0, 0)
	key, err := json.Marshal(map[string]any{"step": name, "program": x.config.Version, "inputs": inputs})
	if err != nil {
		return nil, "", fmt.Errorf("step %s: %w", name, err)
	}
	sum := sha256.Sum256(key)
	row := Step{Run: x.run.Number, Seq: x.seq, Name: name, Subject: subject, Identity: hex.EncodeToString(sum[:]), StartedAt: time.Now().UnixMicro()}
	if err := x.write(ctx, &row); err != nil {
		return nil, "", err
	}
	if text, row.Artefact, err = x.before(ctx, row.Identity); err != nil {
		return nil, "", err
	}
	row.Reused = text != nil
	if text == nil {
		if text, row.Artefact, err = x.make(ctx, row, do); err != nil {
			return nil, "", fmt.Errorf("step %s: %w", name, err)
		}
	}
	row.EndedAt = time.Now().UnixMicro()
	x.progress.Log("%s %s: %.12s, %.1f s, reused: %v", name, subject, row.Artefact, row.Took().Seconds(), row.Reused)
	return text, row.Artefact, x.write(ctx, &row)
}

// make does a step and keeps its artefact.
func (x *execution) make(ctx context.Context, row Step, do func(ctx context.Context) (any, error)) (text []byte, artefact string, err error) {
	made, err := do(ctx)
	if err != nil {
		return nil, "", err
	}
	if text, err = json.Marshal(made); err != nil {
		return nil, "", err
	}
	if artefact, err = x.blobs.Put(ctx, blob.Artefacts, text); err != nil {
		return nil, "", err
	}
	kept := artefactRow{Identity: row.Identity, Step: row.Name, Blob: artefact, MadeAt: time.Now().UnixMicro()}
	_, err = x.db.Write().NewInsert().Model(&kept).On("CONFLICT (identity) DO UPDATE").Set("blob = EXCLUDED.blob").Set("made_at = EXCLUDED.made_at").Exec(ctx)
	return text, artefact, err
}

// before is what a step left when it was done before, nil where it was not.
func (x *execution) before(ctx context.Context, identity string) (text []byte, artefact string, err error) {
	var row artefactRow
	err = x.db.Read().NewSelect().Model(&row).Where("identity = ?", identity).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err == nil {
		text, err = x.blobs.Get(ctx, blob.Artefacts, row.Blob, maxArtefact)
	}
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrDamaged) {
		return nil, "", nil // of a restored database: it is made again
	}
	if err != nil {
		return nil, "", fmt.Errorf("look for an artefact: %w", err)
	}
	return text, row.Blob, nil
}

// write keeps the line of a step.
func (x *execution) write(ctx context.Context, row *Step) error {
	err := x.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*Step)(nil)).Where("run = ? AND seq >= ?", row.Run, row.Seq).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the step of a run: %w", err)
	}
	return nil
}

// validate looks whether the data set suffices and lays out what is learnt from.
func (x *execution) validate(ctx context.Context) (v Valid, err error) {
	text, _, err := x.step(ctx, StepValidate, "", x.run.Manifest, func(context.Context) (any, error) {
		if lacks := x.data.Lacks(x.manifest); len(lacks) > 0 {
			return nil, job.Final(&LacksError{lacks})
		}
		learning := x.manifest.Learning()
		return Valid{Images: len(learning), Golden: len(x.manifest.Pictures) - len(learning), Counts: x.manifest.Count()}, nil
	})
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return v, err
	}
	// Which pictures were deleted since is found out anew each time: what is gone
	// must not be learnt from.
	v.Gone, err = x.lay(ctx, x.learning(), x.manifest.Learning(), x.spec.Pictures)
	return v, err
}

// learning is the folder of the pictures that are learnt from. Its name goes into
// bundles, so it says what is learnt and neither when nor on which hub.
func (x *execution) learning() string {
	sum := sha256.New()
	for _, one := range x.manifest.Learning() {
		fmt.Fprintf(sum, "%s %s %q\n", one.Image, one.Class, one.Group)
	}
	return filepath.Join(x.dir, "dataset-"+hex.EncodeToString(sum.Sum(nil)[:6]))
}

// order is what the maker works on.
func (x *execution) order(data string) Order {
	return Order{
		Data: data, Task: x.manifest.Task, Seed: x.spec.Seed, Variants: x.spec.Variants,
		Progress: func(step string, parts int) func() {
			done := 0
			x.progress.Step(stepWord(step), 0, parts)
			return func() {
				done++
				x.progress.Step(stepWord(step), done, parts)
			}
		},
	}
}

// stepWord is the catalogue's word for what package train says of itself.
func stepWord(step string) string {
	switch step {
	case "look at pictures":
		return "embedding"
	case "train and cross-validate":
		return "learning"
	case "run golden frames":
		return "packing"
	}
	return step
}

// features computes the embeddings of all pictures in every variant.
func (x *execution) features(ctx context.Context, v Valid) (artefact string, err error) {
	inputs := map[string]any{"manifest": x.run.Manifest, "gone": v.Gone, "variants": x.spec.Variants, "cpu": infer.CPUClass()}
	_, artefact, err = x.step(ctx, StepFeatures, "", inputs, func(ctx context.Context) (any, error) {
		return x.config.Maker.Embed(ctx, x.order(x.learning()))
	})
	return artefact, err
}

// championName stands for the champion among the subjects of steps.
const championName = "champion"

// contender is a model that is compared.
type contender struct {
	name    string
	blob    string // of its bundle
	bundle  string // id
	version int64
	trained Trained
	report  string                // blob of trained
	golden  map[string]*Evaluated // by variant
}

// train makes one candidate.
func (x *execution) train(ctx context.Context, c Candidate, features string) (one contender, err error) {
	inputs := map[string]any{"features": features, "seed": x.spec.Seed, "c": c.C, "pictures": x.spec.Pictures, "task": x.manifest.Task}
	text, artefact, err := x.step(ctx, StepTrain, c.Name, inputs, func(ctx context.Context) (any, error) {
		o := x.order(x.learning())
		o.C = c.C
		file, report, err := x.config.Maker.Train(ctx, o)
		if err != nil {
			return nil, err
		}
		name, err := x.blobs.Put(ctx, blob.Bundles, file)
		return Trained{Blob: name, Report: report}, err
	})
	one = contender{name: c.Name, report: artefact, golden: map[string]*Evaluated{}}
	if err == nil {
		err = json.Unmarshal(text, &one.trained)
	}
	if err != nil {
		return one, err
	}
	one.blob, one.bundle = one.trained.Blob, one.trained.Report.Bundle
	return one, nil
}

// champion is the version that the candidates meet; nil where there is none, or
// its file is gone.
func (x *execution) champion(ctx context.Context) (*contender, error) {
	if x.run.Champion == 0 {
		return nil, nil
	}
	v, err := x.registry.Version(ctx, x.run.Champion)
	if errors.Is(err, registry.ErrNotFound) || err == nil && v.Deleted {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &contender{name: championName, blob: v.Blob, bundle: v.Bundle, version: v.Number, golden: map[string]*Evaluated{}}, nil
}

// evaluateAll measures every variant of the run on the golden pictures.
func (x *execution) evaluateAll(ctx context.Context, one *contender) error {
	for _, variant := range x.spec.Variants {
		inputs := map[string]any{"manifest": x.run.Manifest, "bundle": one.blob, "variant": variant, "seed": x.spec.Seed, "cpu": infer.CPUClass()}
		text, _, err := x.step(ctx, StepEvaluate, one.name+" "+variant, inputs, func(ctx context.Context) (any, error) {
			return x.evaluate(ctx, one, variant)
		})
		if err != nil {
			return err
		}
		measured := new(Evaluated)
		if err := json.Unmarshal(text, measured); err != nil {
			return err
		}
		if measured.Report != nil {
			one.golden[variant] = measured
		}
	}
	return nil
}

// evaluate measures one variant; a bundle that lacks it gives an empty result.
func (x *execution) evaluate(ctx context.Context, one *contender, variant string) (Evaluated, error) {
	if x.golden == nil {
		pictures, err := x.data.Golden(ctx, x.run.Manifest, fmt.Sprintf("run %d", x.run.Number), x.run.StartedBy)
		if err != nil {
			return Evaluated{}, err
		}
		if _, err := x.lay(ctx, filepath.Join(x.dir, "golden"), pictures, x.spec.Pictures); err != nil {
			return Evaluated{}, err
		}
		x.golden = pictures
	}
	file, has, err := x.bundleFile(ctx, one, variant)
	if err != nil || !has {
		return Evaluated{}, err
	}
	report, err := x.config.Maker.Evaluate(ctx, file, variant, x.order(filepath.Join(x.dir, "golden")))
	if err != nil {
		return Evaluated{}, err
	}
	return Evaluated{Report: report, All: report.All}, nil
}

// register makes a candidate a version of the registry, whatever it reached.
func (x *execution) register(ctx context.Context, one *contender) error {
	// Asking again costs nothing and brings back a version that was deleted.
	text, _, err := x.step(ctx, StepRegister, one.name, map[string]any{"bundle": one.blob, "run": x.run.Number}, func(ctx context.Context) (any, error) {
		file, err := x.blobs.Get(ctx, blob.Bundles, one.blob, maxArtefact)
		if err != nil {
			return nil, err
		}
		v, _, err := x.registry.Push(ctx, bytes.NewReader(file), x.run.StartedBy, fmt.Sprintf("run %d, candidate %s", x.run.Number, one.name))
		return registered{v.Number}, err
	})
	var made registered
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		return err
	}
	one.version = made.Version
	row := Model{Run: x.run.Number, Candidate: one.name, Version: made.Version, Report: one.report}
	_, err = x.db.Write().NewInsert().Model(&row).On("CONFLICT (run, candidate) DO UPDATE").Set("version = EXCLUDED.version").Set("report = EXCLUDED.report").Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep the model of a run: %w", err)
	}
	return nil
}

// end writes down how the run ended.
func (x *execution) end(ctx context.Context, chosen *contender, gate string) error {
	x.run.EndedAt, x.run.Chosen, x.run.Gate = db.Micros(time.Now()), chosen.version, gate
	_, err := x.db.Write().NewUpdate().Model(&x.run).Column("ended_at", "chosen", "gate").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep the end of a run: %w", err)
	}
	return nil
}

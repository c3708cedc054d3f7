package evaluate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/quality"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
	"gourdian/models/dataset"
	"gourdian/models/embed"
)

// warmUps is how many runs are made before latency is measured.
const warmUps = 3

// Report is what an evaluation says of a bundle, for people and for --json.
// Images, and everything in Figures, counts pictures that did not train the
// model and whose class it knows.
type Report struct {
	Bundle  string            `json:"bundle"`
	Task    string            `json:"task"`
	Trained bundle.Provenance `json:"trained_on"`
	// DataKind says what was measured on: dataset.KindPhotos, ...
	DataKind string `json:"data_kind"`
	Figures
	Skipped int `json:"skipped"` // pictures that could not be used
	// Seen counts the pictures left out of every figure because they, or
	// pictures of their group, trained the model.
	Seen         int                   `json:"seen"`
	Unknown      map[string]Unfamiliar `json:"unknown_classes"`
	Dropped      int                   `json:"dropped"`   // pictures of classes dropped by --map
	SetApart     int                   `json:"set_apart"` // pictures whose split is "train"
	Trimmed      int                   `json:"trimmed"`   // pictures that lost uniform bars
	Variant      string                `json:"variant"`
	Provider     string                `json:"provider"`
	Library      string                `json:"library"`
	CPU          string                `json:"cpu"`
	Threads      int                   `json:"threads"`
	Latency      Times                 `json:"latency_ms"` // of the engine, through its worker
	Frame        Times                 `json:"frame_ms"`   // from the encoded file to the verdict
	SkippedFiles []dataset.Skip        `json:"skipped_files"`
	Warnings     []string              `json:"warnings"`

	All    []Prediction `json:"-"` // of the measured pictures and those of unknown classes
	Judged []Judged     `json:"-"` // the measured pictures
}

// Unfamiliar is what became of the pictures of a class that the model lacks.
// It ought to say that it is unsure.
type Unfamiliar struct {
	Count  int     `json:"count"`
	Novel  float64 `json:"novel"`  // share called unlike the training pictures
	Unsure float64 `json:"unsure"` // share called unsure for any reason
}

// Times are quantiles of a duration in milliseconds; null without pictures.
type Times struct {
	P50 *float64 `json:"p50"`
	P99 *float64 `json:"p99"`
}

// Prediction is one row of the predictions file.
type Prediction struct {
	File          string
	Crop          dataset.Crop
	Group         int    // number of its group within this evaluation
	Class         string // as labelled
	Predicted     string // most probable class, sure or not
	Unsure        bool
	Probabilities []float64
}

// Judged is one picture and what was said of it.
type Judged struct {
	Entry  dataset.Entry
	Sample Sample
}

// Evaluation is one bundle on one data set. All fields must be set; Seed may
// be 0.
type Evaluation struct {
	Bundle   *bundle.Bundle
	Runner   infer.Runner // serves the bundle
	Set      *dataset.Set
	Importer embed.Importer
	Seed     uint64 // of the bootstrap
	// Step is called after each picture.
	Step func()

	resizer vision.Resizer
	decider *verdict.Decider
	scores  infer.Scores
}

// looked is one picture after the model has looked at it.
type looked struct {
	entry  dataset.Entry
	sha    [32]byte
	seen   bool
	sample Sample
	look   dataset.Look
	engine time.Duration
	frame  time.Duration
}

// Run looks at every picture of the set, once, and measures.
func (e *Evaluation) Run(ctx context.Context) (*Report, error) {
	info := e.Runner.Info()
	r := &Report{
		Bundle: e.Bundle.ID, Task: e.Bundle.Manifest.Task, Trained: e.Bundle.Manifest.Provenance,
		Variant: info.Variant, Provider: info.ProviderObtained, Library: info.Library, CPU: infer.CPUClass(), Threads: info.Threads,
		Unknown: map[string]Unfamiliar{}, DataKind: e.Set.Kind(), Dropped: e.Set.Dropped, SkippedFiles: slices.Clone(e.Set.Skipped),
	}
	r.SetApart = e.Set.ForTesting()
	if err := e.Bundle.CheckPreprocess(vision.PreprocessID()); err != nil {
		return nil, err
	}
	params, err := e.Bundle.VerdictParams(info.Variant)
	if err != nil {
		return nil, err
	}
	if e.decider, err = verdict.NewDecider(params); err != nil {
		return nil, err
	}
	r.ClassOrder = params.Classes
	trained, err := e.Bundle.TrainedHashes()
	if err != nil {
		return nil, err
	}
	if err := e.warmUp(ctx); err != nil {
		return nil, err
	}
	pictures, err := e.lookAtAll(ctx, trained, r)
	if err != nil {
		return nil, err
	}
	r.Skipped = len(r.SkippedFiles)
	e.measure(r, pictures)
	return r, nil
}

func (e *Evaluation) warmUp(ctx context.Context) error {
	tensor := make(vision.Tensor, vision.TensorLen)
	for range warmUps {
		if err := e.Runner.Run(ctx, tensor, &e.scores); err != nil {
			return fmt.Errorf("warm up the engine: %w", err)
		}
	}
	return nil
}

func (e *Evaluation) lookAtAll(ctx context.Context, trained bundle.HashSet, r *Report) ([]looked, error) {
	var out []looked
	type content struct {
		sha  [32]byte
		crop dataset.Crop
	}
	first := map[content]string{}
	for _, entry := range e.Set.Entries {
		l, trimmed, err := e.lookAt(ctx, entry, r.ClassOrder)
		e.Step()
		var fault *embed.Fault
		switch {
		case errors.As(err, &fault):
			r.SkippedFiles = append(r.SkippedFiles, dataset.Skip{File: entry.File, Reason: fault.Error()})
			continue
		case err != nil:
			return nil, fmt.Errorf("picture %s: %w", entry.File, err)
		}
		c := content{l.sha, entry.Crop}
		if before, twice := first[c]; twice {
			r.SkippedFiles = append(r.SkippedFiles, dataset.Skip{File: entry.File, Reason: "the same picture as " + before})
			continue
		}
		first[c] = entry.File
		if trimmed {
			r.Trimmed++
		}
		l.seen = trained.Has(l.sha)
		out = append(out, l)
	}
	return out, nil
}

// lookAt takes one picture all the way from file to verdict.
func (e *Evaluation) lookAt(ctx context.Context, entry dataset.Entry, classes []string) (l looked, trimmed bool, err error) {
	file, err := e.Set.Read(entry)
	if err != nil {
		return l, false, embed.NewFault(err)
	}
	l = looked{entry: entry, sha: sha256.Sum256(file)}
	began := time.Now()
	img, trimmed, err := e.Importer.Import(ctx, file, entry.Crop)
	if err != nil {
		return l, false, err
	}
	tensor := make(vision.Tensor, vision.TensorLen)
	if err := e.resizer.Prepare(tensor, img, vision.Zone{}); err != nil {
		return l, false, embed.NewFault(err)
	}
	asked := time.Now()
	if err := e.Runner.Run(ctx, tensor, &e.scores); err != nil {
		return l, false, err
	}
	l.engine = time.Since(asked)
	q := quality.AssessTensor(tensor)
	decision, err := e.decider.Decide(e.scores.Embedding, e.scores.Logits, verdict.Look{Blurred: q.Blurred, Dark: q.Dark, Bright: q.Bright})
	if err != nil {
		return l, false, err
	}
	l.frame = time.Since(began)
	l.sample = Sample{
		File: entry.File, Truth: slices.Index(classes, entry.Class), Top: decision.Top,
		Unsure: decision.Verdict == wire.Unsure, Reason: string(decision.Reason), Probabilities: slices.Clone(decision.Probabilities),
	}
	l.look = dataset.Look{Group: entry.Group, Source: entry.Source, Hash: dataset.DHash(tensor), Embedding: slices.Clone(e.scores.Embedding)}
	return l, trimmed, nil
}

// measure leaves out what the model has seen and computes the figures.
func (e *Evaluation) measure(r *Report, pictures []looked) {
	looks := make([]dataset.Look, len(pictures))
	grouped := false
	for i, p := range pictures {
		looks[i] = p.look
		grouped = grouped || p.look.Group != ""
	}
	groups, _ := dataset.Cluster(looks)
	seen := map[int]bool{}
	for i, p := range pictures {
		if p.seen {
			seen[groups[i]] = true
		}
	}
	var samples []Sample
	var engine, frame []time.Duration
	numbers := map[int]int{}
	for i, p := range pictures {
		engine, frame = append(engine, p.engine), append(frame, p.frame)
		if seen[groups[i]] {
			r.Seen++
			continue
		}
		r.All = append(r.All, Prediction{
			File: p.entry.File, Crop: p.entry.Crop, Group: groups[i], Class: p.entry.Class,
			Predicted: r.ClassOrder[p.sample.Top], Unsure: p.sample.Unsure, Probabilities: p.sample.Probabilities,
		})
		if p.sample.Truth < 0 {
			r.note(p)
			continue
		}
		if _, ok := numbers[groups[i]]; !ok {
			numbers[groups[i]] = len(numbers)
		}
		p.sample.Group = numbers[groups[i]]
		samples = append(samples, p.sample)
		r.Judged = append(r.Judged, Judged{p.entry, p.sample})
	}
	r.Figures = Measure(r.ClassOrder, samples, Options{Grouped: grouped, Seed: e.Seed})
	r.Latency, r.Frame = times(engine), times(frame)
	r.warn(len(samples))
}

// note counts a picture of a class that the model lacks.
func (r *Report) note(p looked) {
	u := r.Unknown[p.entry.Class]
	novel, unsure := u.Novel*float64(u.Count), u.Unsure*float64(u.Count)
	if p.sample.Reason == string(wire.ReasonNovel) {
		novel++
	}
	if p.sample.Unsure {
		unsure++
	}
	u.Count++
	u.Novel, u.Unsure = novel/float64(u.Count), unsure/float64(u.Count)
	r.Unknown[p.entry.Class] = u
}

func (r *Report) warn(measured int) {
	say := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if measured == 0 {
		say("no picture is left to measure: %d trained the model or belong with one that did, %d cannot be used", r.Seen, r.Skipped)
	} else if r.Seen > 0 {
		say("%d pictures trained the model, or belong to a group that did: they are in no figure", r.Seen)
	}
	if classes := slices.Sorted(maps.Keys(r.Unknown)); len(classes) > 0 {
		say("pictures of classes that the model does not have are in no accuracy (%s): --map old=new renames them, --map old= drops them", strings.Join(classes, ", "))
	}
	if r.Trained.Kind == bundle.KindRendered {
		say("the model was trained on rendered pumpkins only")
	}
	if r.DataKind == dataset.KindRendered {
		say("these figures are about rendered pictures: they say nothing about real fruit")
	}
}

func times(d []time.Duration) Times {
	ms := make([]float64, len(d))
	for i, v := range d {
		ms[i] = float64(v) / float64(time.Millisecond)
	}
	slices.Sort(ms)
	return Times{Number(quantile(ms, 0.50)), Number(quantile(ms, 0.99))}
}

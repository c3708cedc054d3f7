package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/vision"
	"gourdian/models/embed"
)

// Packed is a bundle that is ready to be written with bundle.Build.
type Packed struct {
	Manifest bundle.Manifest
	Files    map[string][]byte
}

// pack puts each head behind its form of the backbone, runs the golden frames on
// the results and lays out the bundle. start runs a graph in its worker; the
// graphs, in the order of the variants, are changed.
func pack(ctx context.Context, l *Learned, graphs []*onnxgraph.Model, about bundle.Manifest, frames []GoldenFrame, pictures []embed.Picture,
	start func(ctx context.Context, path string) (infer.Runner, error)) (*Packed, error) {
	p := &Packed{Manifest: about, Files: map[string][]byte{"trained.sha256": bundle.EncodeHashes(hashes(pictures))}}
	p.Manifest.Task = l.Task.Name
	p.Manifest.Preprocess = vision.PreprocessID()
	p.Manifest.Trained = "trained.sha256"
	for _, c := range l.Task.Classes {
		p.Manifest.Classes = append(p.Manifest.Classes, bundle.Class{Name: c.Name, Labels: c.Labels})
	}
	for _, f := range frames {
		name := "golden/" + f.Name + ".rgb"
		p.Files[name] = f.Tensor
		p.Manifest.Golden = append(p.Manifest.Golden, bundle.Golden{Tensor: name, Expected: map[string][]float32{}})
	}
	for i, v := range l.Variants {
		if err := p.add(ctx, v, graphs[i], frames, start); err != nil {
			return nil, fmt.Errorf("variant %s: %w", v.Name, err)
		}
	}
	return p, nil
}

// add puts one variant into the bundle.
func (p *Packed) add(ctx context.Context, v Variant, m *onnxgraph.Model, frames []GoldenFrame, start func(context.Context, string) (infer.Runner, error)) error {
	err := onnxgraph.AppendHead(m, onnxgraph.Head{
		Mean: v.Scaler.Mean, Std: v.Scaler.Std,
		Layers: []onnxgraph.Dense{{In: v.Head.In, Out: v.Head.Out, Weights: v.Head.Weights, Bias: v.Head.Bias}},
	})
	if err != nil {
		return err
	}
	graph, references := "graphs/"+v.Name+".onnx", "references/"+v.Name+".bin"
	p.Files[graph], p.Files[references] = onnxgraph.Encode(m), bundle.EncodeReferences(v.Params.References)
	largest, err := runGolden(ctx, p.Files[graph], frames, start)
	if err != nil {
		return err
	}
	p.Manifest.Variants = append(p.Manifest.Variants, bundle.Variant{
		Name: v.Name, Graph: graph, Temperature: v.Params.Temperature, Thresholds: v.Params.Thresholds,
		References: references, Neighbours: v.Params.References.K, Novelty: v.Params.Novelty,
		Tolerance: tolerances(v.Name, infer.CPUClass(), largest),
	})
	for i, f := range frames {
		p.Manifest.Golden[i].Expected[v.Name] = f.Expected
	}
	return nil
}

func runGolden(ctx context.Context, graph []byte, frames []GoldenFrame, start func(context.Context, string) (infer.Runner, error)) (float64, error) {
	dir, err := os.MkdirTemp("", "gourdian-train-")
	if err != nil {
		return 0, fmt.Errorf("run golden frames: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, graph, 0o600); err != nil {
		return 0, fmt.Errorf("run golden frames: %w", err)
	}
	runner, err := start(ctx, path)
	if err != nil {
		return 0, fmt.Errorf("run golden frames: %w", err)
	}
	defer runner.Close()
	return ExpectGolden(ctx, runner, frames)
}

func hashes(pictures []embed.Picture) [][32]byte {
	out := make([][32]byte, len(pictures))
	for i, p := range pictures {
		out[i] = p.SHA256
	}
	return out
}

// firstOfEachClass returns a picture of every class, the same ones whatever
// the order of the set.
func firstOfEachClass(pictures []embed.Picture, classes []string) []embed.Picture {
	var out []embed.Picture
	for _, class := range classes {
		best := -1
		for i, p := range pictures {
			if p.Entry.Class == class && (best < 0 || slices.Compare(p.SHA256[:], pictures[best].SHA256[:]) < 0) {
				best = i
			}
		}
		if best >= 0 {
			out = append(out, pictures[best])
		}
	}
	return out
}

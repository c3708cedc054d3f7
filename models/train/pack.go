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

// variant is the name of the one variant that training makes.
const variant = "fp32"

// Packed is a bundle that is ready to be written with bundle.Build.
type Packed struct {
	Manifest bundle.Manifest
	Files    map[string][]byte
}

// pack puts the head behind the backbone, runs the golden frames on the result
// and lays out the bundle. start runs a graph in its worker; m is changed.
func pack(ctx context.Context, l *Learned, m *onnxgraph.Model, about bundle.Manifest, frames []GoldenFrame, pictures []embed.Picture,
	start func(ctx context.Context, path string) (infer.Runner, error)) (*Packed, error) {
	err := onnxgraph.AppendHead(m, onnxgraph.Head{
		Mean: l.Scaler.Mean, Std: l.Scaler.Std,
		Layers: []onnxgraph.Dense{{In: l.Head.In, Out: l.Head.Out, Weights: l.Head.Weights, Bias: l.Head.Bias}},
	})
	if err != nil {
		return nil, err
	}
	graph := onnxgraph.Encode(m)
	tolerance, err := runGolden(ctx, graph, frames, start)
	if err != nil {
		return nil, err
	}
	p := &Packed{Manifest: about, Files: map[string][]byte{
		"graphs/" + variant + ".onnx":    graph,
		"references/" + variant + ".bin": bundle.EncodeReferences(l.Params.References),
		"trained.sha256":                 bundle.EncodeHashes(hashes(pictures)),
	}}
	p.Manifest.Task = l.Task.Name
	p.Manifest.Preprocess = vision.PreprocessID()
	p.Manifest.Trained = "trained.sha256"
	for _, c := range l.Task.Classes {
		p.Manifest.Classes = append(p.Manifest.Classes, bundle.Class{Name: c.Name, Labels: c.Labels})
	}
	p.Manifest.Variants = []bundle.Variant{{
		Name: variant, Graph: "graphs/" + variant + ".onnx",
		Temperature: l.Params.Temperature, Thresholds: l.Params.Thresholds,
		References: "references/" + variant + ".bin", Neighbours: l.Params.References.K, Novelty: l.Params.Novelty,
		Tolerance: map[string]float64{bundle.AnyCPU: tolerance},
	}}
	for _, f := range frames {
		name := "golden/" + f.Name + ".rgb"
		p.Files[name] = f.Tensor
		p.Manifest.Golden = append(p.Manifest.Golden, bundle.Golden{Tensor: name, Expected: map[string][]float32{variant: f.Expected}})
	}
	return p, nil
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

//go:build workers

package main_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gourdian/internal/bundle"
	"gourdian/internal/infer"
	"gourdian/internal/infer/infertest"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/worker"
)

// red is a golden frame: a picture of one colour, whose logits in tiny are
// (red-127)/64 and 0.5 + (0-127)/64.
func red(level uint8) (vision.Tensor, []float32) {
	in := make(vision.Tensor, vision.TensorLen)
	for i := 0; i < len(in); i += 3 {
		in[i] = level
	}
	return in, []float32{(float32(level) - 127) / 64, 0.5 - 127.0/64}
}

// writeBundle writes a bundle of tiny, after change has had its way with it.
func writeBundle(t *testing.T, change func(m *bundle.Manifest, files map[string][]byte)) string {
	t.Helper()
	references, err := verdict.Quantise([][]float32{{1, 0, 0}, {0, 1, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	frame, logits := red(191)
	m := bundle.Manifest{
		Task: bundle.TaskCustom, Name: "tiny", Preprocess: vision.PreprocessID(), Backbone: "none",
		Classes: []bundle.Class{
			{Name: "red", Labels: map[string]string{"en": "red", "es": "rojo"}},
			{Name: "green", Labels: map[string]string{"en": "green", "es": "verde"}},
		},
		Variants: []bundle.Variant{{
			Name: "fp32", Graph: "fp32/graph.onnx", References: "fp32/references", Neighbours: 1,
			Temperature: 1, Thresholds: []float64{0.5, 0.5}, Novelty: 1,
			Tolerance: map[string]float64{bundle.AnyCPU: 1e-3},
		}},
		Golden:     []bundle.Golden{{Tensor: "golden/0", Expected: map[string][]float32{"fp32": logits}}},
		Provenance: bundle.Provenance{Kind: bundle.KindRendered, Images: 1, Groups: 1},
		Trained:    "trained",
	}
	files := map[string][]byte{
		"fp32/graph.onnx": tiny(t),
		"fp32/references": bundle.EncodeReferences(references),
		"golden/0":        frame,
		"trained":         bundle.EncodeHashes([][sha256.Size]byte{sha256.Sum256(frame)}),
	}
	change(&m, files)
	path := filepath.Join(t.TempDir(), "tiny.gourdian")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Build(file, m, files); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func asItIs(*bundle.Manifest, map[string][]byte) {}

func TestBundleConformance(t *testing.T) {
	t.Parallel()
	path := writeBundle(t, asItIs)
	infertest.Run(t, func(t *testing.T) infer.Runner {
		client, err := infer.StartBundle(limit(t), path, with(t))
		if err != nil {
			t.Fatal(err)
		}
		info := client.Info()
		if info.GoldenFrames != 1 || info.GoldenMaxDistance > 1e-3 || info.Variant != "fp32" {
			t.Errorf("%+v", info)
		}
		return client
	})
}

func TestBundleIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(m *bundle.Manifest, files map[string][]byte)
		damage  bool
		variant string
		code    string
		says    string
	}{
		"a logit beyond the tolerance": {
			change: func(m *bundle.Manifest, _ map[string][]byte) { m.Golden[0].Expected["fp32"][1] += 0.01 },
			code:   "golden", says: "golden/0: logit 1",
		},
		"a graph of other classes": {
			change: func(m *bundle.Manifest, _ map[string][]byte) {
				m.Classes = append(m.Classes, bundle.Class{Name: "blue", Labels: map[string]string{"en": "blue", "es": "azul"}})
				m.Variants[0].Thresholds = []float64{0.5, 0.5, 0.5}
				m.Golden[0].Expected["fp32"] = []float32{0, 0, 0}
			},
			code: "golden", says: "2 logits, expected 3",
		},
		"a graph that is none": {
			change: func(_ *bundle.Manifest, files map[string][]byte) { files["fp32/graph.onnx"] = []byte("none") },
			code:   "load", says: "malformed ONNX",
		},
		"a variant that is not there": {change: asItIs, variant: "int8", code: "bundle", says: `"int8"`},
		"a byte changed on the disk":  {change: asItIs, damage: true, code: "bundle", says: "wrong hash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeBundle(t, c.change)
			if c.damage {
				flip(t, path)
			}
			o := with(t)
			o.Variant = c.variant
			client, err := infer.StartBundle(limit(t), path, o)
			if err == nil {
				client.Close()
				t.Fatal("it serves")
			}
			var reason *worker.Error
			if !errors.As(err, &reason) || reason.Code != c.code || !strings.Contains(reason.Message, c.says) {
				t.Errorf("error %v, expected the code %s and %q", err, c.code, c.says)
			}
		})
	}
}

// flip changes a byte in the middle of the golden frame.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFaultsInTheMiddleOfFrames kills or stops the supervised worker while it
// is asked without pause, and expects the right scores again.
func TestFaultsInTheMiddleOfFrames(t *testing.T) {
	t.Parallel()
	path := writeBundle(t, asItIs)
	for name, signal := range map[string]syscall.Signal{"SIGKILL": syscall.SIGKILL, "SIGSTOP": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, supervised, err := infer.Supervise(path, with(t))
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(limit(t))
			ended := make(chan error, 1)
			go func() { ended <- supervised.Run(ctx) }()
			defer func() { stop(); <-ended }()

			awaitScores(ctx, t, client, supervised)
			first := supervised.State().PID
			if err := syscall.Kill(first, signal); err != nil {
				t.Fatal(err)
			}
			in, _ := red(255)
			var out infer.Scores
			for {
				// A stopped worker is noticed by the deadline of a frame.
				frame, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
				err := client.Run(frame, in, &out)
				cancel()
				if err == nil {
					continue
				}
				if !errors.Is(err, infer.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, expected ErrUnavailable or the deadline", err)
				}
				break
			}
			awaitScores(ctx, t, client, supervised)
			if second := supervised.State().PID; second == first || supervised.State().Restarts < 1 {
				t.Errorf("process %d after %d with %d restarts", second, first, supervised.State().Restarts)
			}
		})
	}
}

// awaitScores runs a frame as soon as the worker is up and checks its scores.
func awaitScores(ctx context.Context, t *testing.T, client *infer.Client, supervised *worker.Supervised) {
	t.Helper()
	in, want := red(255)
	var out infer.Scores
	for {
		changed := supervised.Changed()
		err := client.Run(ctx, in, &out)
		if err == nil {
			break
		}
		if !errors.Is(err, infer.ErrUnavailable) {
			t.Fatalf("error %v, expected ErrUnavailable while it is down", err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatal("the worker did not come back")
		}
	}
	for i := range want {
		if d := out.Logits[i] - want[i]; d > 1e-3 || d < -1e-3 {
			t.Errorf("logit %d is %v, expected %v", i, out.Logits[i], want[i])
		}
	}
}

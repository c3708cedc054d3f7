//go:build workers

package backbone

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gourdian/internal/infer"
	"gourdian/internal/infer/features"
	"gourdian/internal/onnxgraph"
	"gourdian/internal/testbed"
	"gourdian/internal/vision"
)

// serve starts a worker for a form of the default backbone.
func serve(t *testing.T, variant string, operators bool, outputs ...string) *infer.Client {
	t.Helper()
	b, m := load(t, true)
	form, err := b.Variant(m, means(t, b), variant)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), variant+".onnx")
	if err := os.WriteFile(path, onnxgraph.Encode(form), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client, err := features.StartGraph(ctx, path, infer.Options{
		Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t), Operators: operators,
	}, outputs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// A quantized graph is only fast where the runtime turns each convolution with
// its Q and DQ into one integer operator. One pattern that it does not know
// leaves a float convolution between conversions, slower than fp32.
func TestEveryConvolutionRunsInIntegers(t *testing.T) {
	t.Parallel()
	for _, variant := range []string{INT8, INT8RR} {
		got := serve(t, variant, true).Info().Operators
		for operator, want := range map[string]int{
			"QLinearConv": 49, "QLinearAdd": 9, // in integers
			"Conv": 0, "FusedConv": 0, "Add": 0, "Clip": 0, "Cast": 0, "Sub": 0, "Mul": 0, "QuantizeLinear": 0,
			"DequantizeLinear": 1, "GlobalAveragePool": 1, // the way out
			"Transpose": 1, // none in front of the picture
		} {
			if got[operator] != want {
				t.Errorf("%s: %d %s, expected %d", variant, got[operator], operator, want)
			}
		}
		t.Logf("%s: %v", variant, got)
	}
	if float := serve(t, FP32, true).Info().Operators; float["QLinearConv"] != 0 {
		t.Errorf("fp32: %v", float)
	}
}

// pattern is a picture without meaning that drives all channels.
func pattern() vision.Tensor {
	in := make(vision.Tensor, vision.TensorLen)
	for i := range in {
		y, x, c := i/3/vision.Size, i/3%vision.Size, i%3
		in[i] = uint8(128 + 100*math.Sin(float64(x*(c+1))/17)*math.Cos(float64(y)/(23+float64(c))) + float64(7*c))
	}
	return in
}

// Every stage of the integer graph must follow the float one; a wrong scale,
// zero point, bias or padding shows at the first stage behind it.
func TestStagesOfTheIntegersFollowTheFloats(t *testing.T) {
	t.Parallel()
	stages := []string{"stem", "block_0", "block_2", "block_4", "block_7", "block_10", "block_15", "features"}
	in := pattern()
	var float, integer infer.Scores
	if err := serve(t, FP32, false, stages...).Run(t.Context(), in, &float); err != nil {
		t.Fatal(err)
	}
	for variant, least := range map[string]float64{INT8: 0.95, INT8RR: 0.90} {
		if err := serve(t, variant, false, stages...).Run(t.Context(), in, &integer); err != nil {
			t.Fatal(err)
		}
		for i, stage := range stages {
			if c := cosine(float.Extra[i], integer.Extra[i]); c < least {
				t.Errorf("%s: %s has a cosine of %.4f with the float graph's", variant, stage, c)
			}
		}
		c := cosine(float.Embedding, integer.Embedding)
		if c < least {
			t.Errorf("%s: the embedding has a cosine of %.4f with the float graph's", variant, c)
		}
		t.Logf("%s: embedding %.4f", variant, c)
	}
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	return dot / math.Sqrt(aa*bb)
}

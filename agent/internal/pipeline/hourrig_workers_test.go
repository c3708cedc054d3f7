//go:build workers

package pipeline

import (
	"context"
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/internal/bundle"
	"gourdian/internal/capture"
	"gourdian/internal/field"
	"gourdian/internal/infer"
	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/testbed"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// hourModel trains a grade model on rendered pumpkins with the real programs
// and returns the path of its bundle. Training renders from random numbers that
// no scene draws from (package field), so no fruit of it comes to the camera.
func hourModel(t *testing.T, pictures, size string) string {
	t.Helper()
	dir := t.TempDir()
	patch, out := filepath.Join(dir, "patch"), filepath.Join(dir, "grade.gourdian")
	program := testbed.Program(t, "gourdianctl")
	for _, args := range [][]string{
		{"render", "--out", patch, "--count", pictures, "--size", size, "--seed", "11"},
		{"model", "train", "--data", patch, "--task", "grade", "--out", out, "--seed", "1", "--folds", "3", "--cache", t.TempDir(),
			"--checkpoint", testbed.Checkpoint(t), "--onnxruntime", testbed.OnnxRuntime(t),
			"--infer-program", testbed.Program(t, infer.Program), "--camera-program", testbed.Program(t, capture.Program)},
	} {
		if said, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", program, args[0], err, said)
		}
	}
	return out
}

// hourCamera looks at a rendered field as fast as it is asked: its clocks, not
// the machine's, say when a frame was taken. It ends with its context.
type hourCamera struct {
	scene   *field.Scene
	at, end time.Time     // field clock
	pace    time.Duration // field time between two frames
	wall    time.Time
	seq     uint64
	over    context.CancelFunc // called once the last frame has been asked for
	picture vision.Image
}

// hourWallPace is the wall time between two frames of a board's camera.
const hourWallPace = 200 * time.Millisecond

func (c *hourCamera) Kind() capture.Kind { return capture.Live }

func (c *hourCamera) Next(ctx context.Context, _ capture.Request) (*capture.Frame, error) {
	if c.at.After(c.end) {
		c.over()
		return nil, ctx.Err()
	}
	c.scene.Render(&c.picture, c.at)
	tensor := make(vision.Tensor, vision.TensorLen)
	if err := vision.Prepare(tensor, c.picture, vision.Zone{}); err != nil {
		return nil, err
	}
	c.seq++
	f := &capture.Frame{
		Seq: c.seq, CapturedAt: c.at, WallAt: c.wall, W: c.picture.W, H: c.picture.H,
		Luma: vision.ToLuma(c.picture, capture.LumaShorter), Tensors: []vision.Tensor{tensor},
		ZoneLumas: []vision.Luma{tensor.Grey().Half()}, Sharpness: []float64{quality.Sharpness(tensor)},
	}
	c.at, c.wall = c.at.Add(c.pace), c.wall.Add(hourWallPace)
	return f, nil
}

// hourScorer asks the real worker, and notes what a verdict on that single
// frame would have been.
type hourScorer struct {
	model   *engine.Model
	runner  infer.Runner
	decider *verdict.Decider
	camera  *hourCamera
	frames  []hourFrame
}

// hourFrame is the verdict on one frame.
type hourFrame struct {
	at      time.Time
	verdict wire.Verdict
}

func (s *hourScorer) Model() *engine.Model { return s.model }

func (s *hourScorer) Score(ctx context.Context, _ *engine.Model, in vision.Tensor, out *infer.Scores) error {
	if err := s.runner.Run(ctx, in, out); err != nil {
		return err
	}
	r := quality.AssessTensor(in)
	d, err := s.decider.Decide(out.Embedding, out.Logits, verdict.Look{Blurred: r.Blurred, Dark: r.Dark, Bright: r.Bright})
	if err != nil {
		return err
	}
	at := s.camera.at.Add(-s.camera.pace) // the camera has moved on to its next frame
	s.frames = append(s.frames, hourFrame{at, d.Verdict})
	return nil
}

// hourKeeper takes the place of the store.
type hourKeeper struct{ records []wire.Record }

func (k *hourKeeper) Append(_ context.Context, r wire.Record, _ []byte, _ quality.Fingerprint, _ *sketch.Sight) (uint64, error) {
	k.records = append(k.records, r)
	return uint64(len(k.records)), nil
}

// watch carries every frame of the camera through gate, worker, verdict and
// tracker, and returns what was recorded and what the single frames said.
func watch(t *testing.T, path string, camera *hourCamera) (records []wire.Record, frames []hourFrame) {
	t.Helper()
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	params, err := b.VerdictParams("fp32")
	if err != nil {
		t.Fatal(err)
	}
	decider, err := verdict.NewDecider(params)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := infer.StartBundle(t.Context(), path, infer.Options{Program: testbed.Program(t, infer.Program), Library: testbed.OnnxRuntime(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	camera.over = cancel
	scorer := &hourScorer{
		model:  &engine.Model{ID: b.ID, Variant: "fp32", Preprocess: b.Manifest.Preprocess, Params: params},
		runner: runner, decider: decider, camera: camera,
	}
	keeper := &hourKeeper{}
	p := New(Config{
		ID: "patch", Camera: camera, Scorer: scorer, Keeper: keeper, Board: live.NewHub("test", "board"),
		Settings: func() settings.Camera { return settings.Default([]settings.Camera{{ID: "patch"}}).Cameras[0] },
		Clock:    func() wire.Clock { return wire.ClockSynced }, Boot: "boot",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if camera.seq < 50 || len(scorer.frames) < 20 {
		t.Fatalf("%d frames came, %d of them were scored", camera.seq, len(scorer.frames))
	}
	return keeper.records, scorer.frames
}

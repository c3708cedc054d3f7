package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gourdian/agent/internal/engine"
	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	"gourdian/internal/capture"
	"gourdian/internal/infer"
	"gourdian/internal/quality"
	"gourdian/internal/sketch"
	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Scenes that the fake camera can show; the fake model knows them all.
const (
	emptyPlace = iota
	goodOne
	badOne
	scenes
)

// sharp is the sharpness of a sound frame, blurry of one that is not.
const (
	sharp  = 100.0
	blurry = 1.0
)

// answer is what the fake camera gives next.
type answer struct {
	frame *capture.Frame
	err   error
}

// fakeCamera gives what the test puts in; it waits for it like a camera.
type fakeCamera struct {
	kind    capture.Kind
	answers chan answer
	mu      sync.Mutex
	asked   []capture.Request // guarded by mu
}

func (c *fakeCamera) Kind() capture.Kind { return c.kind }

func (c *fakeCamera) Next(ctx context.Context, req capture.Request) (*capture.Frame, error) {
	c.mu.Lock()
	c.asked = append(c.asked, req)
	c.mu.Unlock()
	select {
	case a := <-c.answers:
		return a.frame, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fakeScorer knows the scene by the tensor's first byte.
type fakeScorer struct {
	mu    sync.Mutex
	model *engine.Model // guarded by mu
	err   error         // guarded by mu
	calls int           // guarded by mu
}

func (s *fakeScorer) Model() *engine.Model {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.model
}

func (s *fakeScorer) Score(ctx context.Context, _ *engine.Model, in vision.Tensor, out *infer.Scores) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return s.err
	}
	out.Embedding = embeddingOf(in[0])
	out.Logits = make([]float32, scenes)
	out.Logits[in[0]] = 5
	return ctx.Err()
}

func (s *fakeScorer) become(m *engine.Model, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.model, s.err = m, err
}

func embeddingOf(scene byte) []float32 {
	e := make([]float32, scenes)
	e[scene] = 1
	return e
}

func modelOf(t *testing.T, id string) *engine.Model {
	t.Helper()
	references, err := verdict.Quantise([][]float32{embeddingOf(emptyPlace), embeddingOf(goodOne), embeddingOf(badOne)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &engine.Model{ID: id, Variant: "fp32", Preprocess: "square/1", Params: verdict.Params{
		Classes: []string{"not_pumpkin", "good", "bad"}, Temperature: 1, Thresholds: []float64{0.5, 0.5, 0.5},
		References: references, Novelty: 0.5,
	}}
}

// kept is a record with the picture that came with it.
type kept struct {
	wire.Record
	picture string
	print   quality.Fingerprint
	sight   sketch.Sight
}

// fakeKeeper keeps in memory, or fails.
type fakeKeeper struct {
	mu   sync.Mutex
	kept []kept
	err  error
}

func (k *fakeKeeper) Append(_ context.Context, r wire.Record, jpeg []byte, look quality.Fingerprint, sight *sketch.Sight) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return 0, k.err
	}
	k.kept = append(k.kept, kept{r, string(jpeg), look, *sight})
	return uint64(len(k.kept)), nil
}

func (k *fakeKeeper) all() []kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.kept)
}

// rig is a pipeline among fakes, in a synctest bubble.
type rig struct {
	t        *testing.T
	camera   *fakeCamera
	scorer   *fakeScorer
	keeper   *fakeKeeper
	hub      *live.Hub
	settings chan settings.Camera // holds those in force
	percent  atomic.Int64         // of the frames per second that the board's heat leaves
	zones    int
	seq      uint64
}

// newRig starts a pipeline; the test's end stops it. It is called in a bubble.
func newRig(t *testing.T, kind capture.Kind) (r *rig, stop func()) {
	t.Helper()
	r = &rig{
		t: t, camera: &fakeCamera{kind: kind, answers: make(chan answer)},
		scorer: &fakeScorer{model: modelOf(t, "first")}, keeper: &fakeKeeper{},
		hub: live.NewHub("test", "device"), settings: make(chan settings.Camera, 1), zones: 1,
	}
	r.percent.Store(100)
	r.settings <- settings.Default([]settings.Camera{{ID: "barn", Name: "Barn"}}).Cameras[0]
	p := New(Config{
		ID: "barn", Camera: r.camera, Scorer: r.scorer, Keeper: r.keeper, Board: r.hub,
		Settings: r.inForce, Rate: func() float64 { return float64(r.percent.Load()) / 100 }, Clock: func() wire.Clock { return wire.ClockSynced }, Boot: "boot",
		Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return r, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func (r *rig) inForce() settings.Camera {
	s := <-r.settings
	r.settings <- s
	return s
}

// change changes the settings in force. The pipeline has asked for a frame
// already, so they hold from the one after the next.
func (r *rig) change(edit func(*settings.Camera)) {
	s := <-r.settings
	edit(&s)
	r.settings <- s
}

// frame makes a frame that shows a scene in every zone.
func (r *rig) frame(scene byte, sharpness float64) *capture.Frame {
	r.seq++
	random := rand.New(rand.NewPCG(uint64(scene), 7))
	luma := vision.Luma{W: vision.ZoneLumaSide, H: vision.ZoneLumaSide, Pix: make([]byte, vision.ZoneLumaSide*vision.ZoneLumaSide)}
	for i := range luma.Pix {
		luma.Pix[i] = byte(random.IntN(256))
	}
	luma.Pix[0] = byte(r.seq) // a camera's noise: no two frames are the same
	f := &capture.Frame{
		Seq: r.seq, CapturedAt: time.Now(), WallAt: time.Now(), W: 640, H: 480,
		JPEG: fmt.Appendf(nil, "frame %d", r.seq), Luma: luma,
	}
	for range r.zones {
		tensor := make(vision.Tensor, vision.TensorLen)
		tensor[0] = scene
		f.Tensors = append(f.Tensors, tensor)
		f.ZoneLumas = append(f.ZoneLumas, luma)
		f.Sharpness = append(f.Sharpness, sharpness)
	}
	return f
}

// give hands the pipeline an answer and waits until it has done with it.
func (r *rig) give(a answer) {
	r.t.Helper()
	r.camera.answers <- a
	synctest.Wait()
}

// show lets the camera see a scene for some seconds, two frames in each.
func (r *rig) show(scene byte, seconds int) {
	r.t.Helper()
	for range 2 * seconds {
		r.give(answer{frame: r.frame(scene, sharp)})
		<-time.After(500 * time.Millisecond)
	}
}

// fail lets the camera fail with err for some seconds.
func (r *rig) fail(err error, seconds int) {
	r.t.Helper()
	for range seconds {
		r.give(answer{err: err})
		<-time.After(time.Second)
	}
}

func (r *rig) shown() live.Camera {
	r.t.Helper()
	state := r.hub.State()
	if len(state.Cameras) != 1 {
		r.t.Fatalf("%d cameras are shown", len(state.Cameras))
	}
	return state.Cameras[0]
}

func (r *rig) wantCodes(codes ...string) {
	r.t.Helper()
	var got []string
	for _, c := range r.hub.State().Conditions {
		if c.Subject != "barn" {
			r.t.Errorf("%s is said of %q", c.Code, c.Subject)
		}
		got = append(got, c.Code)
	}
	slices.Sort(codes)
	slices.Sort(got)
	if !slices.Equal(got, codes) {
		r.t.Errorf("conditions: %v, want %v", got, codes)
	}
}

// wantRecords fails unless records with exactly these verdicts are kept.
func (r *rig) wantRecords(verdicts ...wire.Verdict) []kept {
	r.t.Helper()
	all := r.keeper.all()
	var got []wire.Verdict
	for _, k := range all {
		got = append(got, k.Verdict)
	}
	if !slices.Equal(got, verdicts) {
		r.t.Fatalf("kept %v, want %v", got, verdicts)
	}
	return all
}

var _ capture.Camera = (*fakeCamera)(nil)
var errEnd = fmt.Errorf("next frame: %w", io.EOF)
var errDown = fmt.Errorf("score frame: %w", infer.ErrUnavailable)
var errNoRoom = errors.New("no room to store")

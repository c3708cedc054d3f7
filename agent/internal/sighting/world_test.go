package sighting

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gourdian/internal/verdict"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// world is one place before a camera, drawn by hand: a rough background, round
// things with ribs of their own, a light that changes, and an embedding that
// moves as the real network's was measured to (see difference).
type world struct {
	random *rand.Rand
	ground []float64
	grain  []float64 // the sensor's noise, read from a new place for each frame
	skins  map[uint64][]float64
	ways   map[uint64][]float64
}

const side = vision.ZoneLumaSide

func newWorld() *world {
	w := &world{
		random: rand.New(rand.NewPCG(7, 11)), ground: rough(1), grain: make([]float64, 2*side*side),
		skins: map[uint64][]float64{}, ways: map[uint64][]float64{},
	}
	for i := range w.grain {
		w.grain[i] = 2 * w.random.NormFloat64()
	}
	return w
}

// skin is the texture of a thing.
func (w *world) skin(seed uint64) []float64 {
	if w.skins[seed] == nil {
		w.skins[seed] = rough(seed)
	}
	return w.skins[seed]
}

// way is a direction of the embedding.
func (w *world) way(seed uint64) []float64 {
	if w.ways[seed] == nil {
		w.ways[seed] = direction(seed)
	}
	return w.ways[seed]
}

// rough is a texture of soft spots of a few pixels, about 0 on the whole.
func rough(seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 3))
	const cells = side/4 + 2
	var knots [cells * cells]float64
	for i := range knots {
		knots[i] = 2*random.Float64() - 1
	}
	out := make([]float64, side*side)
	for i := range out {
		x, y := float64(i%side)/4, float64(i/side)/4
		cx, cy := int(x), int(y)
		fx, fy := x-float64(cx), y-float64(cy)
		top := knots[cy*cells+cx]*(1-fx) + knots[cy*cells+cx+1]*fx
		bottom := knots[(cy+1)*cells+cx]*(1-fx) + knots[(cy+1)*cells+cx+1]*fx
		out[i] = top*(1-fy) + bottom*fy
	}
	return out
}

// view is what the camera sees at one moment.
type view struct {
	thing  int     // which thing stands there, 0 = none
	like   int     // another thing of the kind of this one, 0 = none
	light  float64 // brightness beside the usual, 0.3 is 30 % more
	colour float64 // how far the light's colour has turned, 0..1
	shade  float64 // where a shadow's edge is, 0 = none, 1 = all of it in shade
	nudge  int     // pixels that the thing was moved by
	shake  int     // pixels that the camera was moved by
}

// luma draws the zone with the sensor's noise.
func (w *world) luma(v view) vision.Luma {
	l := vision.Luma{W: side, H: side, Pix: make([]uint8, side*side)}
	skin := w.skin(100 + uint64(10*v.thing+v.like))
	grain := w.grain[w.random.IntN(side*side):]
	for i := range l.Pix {
		x, y := (i%side+v.shake+side)%side, (i/side+v.shake+side)%side
		grey := 110 + 45*w.ground[y*side+x]
		if dx, dy := x-56-v.nudge, y-60-v.nudge; v.thing > 0 && dx*dx+dy*dy < 32*32 {
			at := (dy+60)*side + dx + 56
			grey = 130 + 40*skin[at] + 25*math.Cos(float64(dx)/5+float64(v.thing))
		}
		grey *= 1 + v.light
		if float64(i%side) < v.shade*side {
			grey *= 0.55
		}
		l.Pix[i] = uint8(min(max(grey+grain[i], 0), 255))
	}
	return l
}

const dims = 64

// direction is a random vector of length 1.
func direction(seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 5))
	out := make([]float64, dims)
	sum := 0.0
	for i := range out {
		out[i] = random.NormFloat64()
		sum += out[i] * out[i]
	}
	for i := range out {
		out[i] /= math.Sqrt(sum)
	}
	return out
}

// embedding lies at a cosine distance of about 0.4 from another thing's and
// from the empty place's, 0.06 from one of its kind, up to 0.2 in other light.
func (w *world) embedding(v view) []float32 {
	out := make([]float32, dims)
	add := func(seed uint64, weight float64) {
		for i, x := range w.way(seed) {
			out[i] += float32(weight * x)
		}
	}
	add(1, 1.2)
	add(1000+uint64(v.thing), 1)
	add(2000+uint64(10*v.thing+v.like), 0.41)
	add(3, v.colour)
	add(4, 0.1*v.light+0.1*v.shade)
	add(5, 0.11*float64(v.nudge+v.shake))
	for i := range out {
		out[i] += float32(0.01 * w.random.NormFloat64())
	}
	return out
}

// watch shows a world to a tracker, a frame a second.
type watch struct {
	*world
	t       *testing.T
	tracker *Tracker
	step    time.Duration
	now     time.Time
	call    func(v view) verdict.Decision // the model
	last    []Event                       // of the newest frame
	opened  []Sighting
	closed  []Sighting
}

func watching(t *testing.T, sensitivity string) *watch {
	t.Helper()
	w := &watch{
		world: newWorld(), t: t, step: time.Second, now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC),
		call: func(v view) verdict.Decision {
			if v.thing == 0 {
				return called(3)
			}
			return called(0)
		},
	}
	w.tracker = New(Config{NewBallot: decider(t).Ballot, Sensitivity: sensitivity})
	return w
}

func decider(t testing.TB) *verdict.Decider {
	t.Helper()
	references, err := verdict.Quantise([][]float32{{1, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := verdict.NewDecider(verdict.Params{
		Classes: []string{"good", "regular", "bad", "not_pumpkin"}, Temperature: 1,
		Thresholds: []float64{.5, .5, .5, .5}, References: references, Novelty: 0.5,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// called is a sure verdict on a frame.
func called(class int) verdict.Decision {
	p := []float64{0.02, 0.02, 0.02, 0.02}
	p[class] = 0.94
	return verdict.Decision{Verdict: []wire.Verdict{wire.Good, wire.Regular, wire.Bad, wire.NotPumpkin}[class], Top: class, Probabilities: p}
}

// frame shows one frame and lets a step pass.
func (w *watch) frame(v view) {
	w.observe(Observation{Luma: w.luma(v), Embedding: w.embedding(v), Decision: w.call(v), Sharpness: 100})
}

func (w *watch) observe(o Observation) {
	w.t.Helper()
	o.At, o.Wall = w.now, w.now
	w.now = w.now.Add(w.step)
	w.take(w.tracker.Observe(o))
}

func (w *watch) take(events []Event) {
	w.t.Helper()
	w.last = events
	for i, e := range events {
		switch e.Kind {
		case Closed:
			if i != 0 || e.Best {
				w.t.Errorf("event %d closes, best %v: it must come first and have no picture", i, e.Best)
			}
			w.closed = append(w.closed, e.Sighting)
		case Opened:
			if !e.Best {
				w.t.Error("a sighting opens without a picture")
			}
			w.opened = append(w.opened, e.Sighting)
		}
	}
	if len(events) > 2 {
		w.t.Errorf("%d events of one frame", len(events))
	}
}

// show holds a view for some time.
func (w *watch) show(v view, d time.Duration) *watch {
	w.t.Helper()
	for until := w.now.Add(d); w.now.Before(until); {
		w.frame(v)
	}
	return w
}

// empty shows the place with nothing in it for a while.
func (w *watch) empty() *watch { return w.show(view{}, 10*time.Second) }

// end stops and checks how many sightings there were.
func (w *watch) end(want int) {
	w.t.Helper()
	w.take(w.tracker.Flush())
	if len(w.closed) != want || len(w.opened) != want {
		for _, s := range w.closed {
			w.t.Logf("  %s for %v: %s", s.First.Format(time.TimeOnly), s.Last.Sub(s.First), s.Decision.Verdict)
		}
		w.t.Fatalf("%d sightings opened, %d closed, want %d", len(w.opened), len(w.closed), want)
	}
}

package gate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gourdian/internal/capture"
	"gourdian/internal/quality"
	"gourdian/internal/vision"
)

// rig makes the frames of a camera and shows them to a gate. Wall and field
// clock run alike unless a test moves one.
type rig struct {
	gate        *Gate
	random      *rand.Rand
	wall, field time.Time
}

func newRig(c Config) *rig {
	start := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	return &rig{New(c), rand.New(rand.NewPCG(1, 2)), start, start}
}

// after lets time pass on both clocks.
func (r *rig) after(d time.Duration) *rig {
	r.wall, r.field = r.wall.Add(d), r.field.Add(d)
	return r
}

// sound is a sharpness well above the limit.
const sound = 20 * quality.BlurredBelow

// frame shows a checked scene with the sensor's noise; thing is the side of a
// dark square in it, light what is added to every pixel.
func (r *rig) frame(thing, light int) *capture.Frame {
	l := vision.Luma{W: vision.ZoneLumaSide, H: vision.ZoneLumaSide, Pix: make([]uint8, vision.ZoneLumaSide*vision.ZoneLumaSide)}
	for i := range l.Pix {
		x, y := i%l.W, i/l.W
		grey := 90 + 60*((x/5+y/7)%2)
		if x >= 32 && x < 32+thing && y >= 32 && y < 32+thing {
			grey = 40
		}
		l.Pix[i] = uint8(min(max(grey+light+int(3*r.random.NormFloat64()), 0), 255))
	}
	return &capture.Frame{CapturedAt: r.field, WallAt: r.wall, Luma: l, ZoneLumas: []vision.Luma{l}, Sharpness: []float64{sound}}
}

// want shows a frame and checks the gate's answer.
func (r *rig) want(t *testing.T, f *capture.Frame, reason string) {
	t.Helper()
	if got := r.gate.Check(f); got != reason {
		t.Fatalf("at %v: %q, want %q", r.wall.Format(time.StampMilli), got, reason)
	}
}

// settled has seen an unchanged scene for long enough to look at it seldom.
func settled(t *testing.T, c Config) *rig {
	t.Helper()
	r := newRig(c)
	for range 40 {
		r.gate.Check(r.frame(0, 0))
		r.after(200 * time.Millisecond)
	}
	r.after(c.IdleEvery + 5*time.Second)
	r.want(t, r.frame(0, 0), "")
	r.after(200 * time.Millisecond)
	r.want(t, r.frame(0, 0), Still)
	return r.after(200 * time.Millisecond)
}

func TestTheFirstFrameIsScored(t *testing.T) {
	t.Parallel()
	r := newRig(Config{})
	r.want(t, r.frame(0, 0), "")
}

func TestACameraThatIsTooFastIsThinnedToTheRate(t *testing.T) {
	t.Parallel()
	r := newRig(Config{FramesPerSecond: 5, IdleEvery: time.Nanosecond})
	scored := 0
	for range 300 { // ten seconds at 30 a second, with jitter
		if r.gate.Check(r.frame(0, 0)) == "" {
			scored++
		}
		r.after(time.Second/30 + time.Duration(r.random.IntN(9)-4)*time.Millisecond)
	}
	if scored < 47 || scored > 52 {
		t.Errorf("%d frames in ten seconds at 5 a second", scored)
	}
	if skips := r.gate.Skips(); skips[Rate] != uint64(300-scored) {
		t.Errorf("skips %v of %d", skips, 300-scored)
	}
}

// A camera at exactly the rate must not lose frames to its jitter.
func TestJitterCostsNoFrames(t *testing.T) {
	t.Parallel()
	r := newRig(Config{FramesPerSecond: 5, IdleEvery: time.Nanosecond})
	for range 100 {
		f := r.frame(0, 0)
		f.WallAt = f.WallAt.Add(time.Duration(r.random.IntN(81)-40) * time.Millisecond)
		if reason := r.gate.Check(f); reason != "" {
			t.Fatalf("%q", reason)
		}
		r.after(200 * time.Millisecond)
	}
}

func TestAStillSceneIsLookedAtSeldom(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{IdleEvery: 2 * time.Second})
	scored := 0
	for range 300 { // a minute
		if r.gate.Check(r.frame(0, 0)) == "" {
			scored++
		}
		r.after(200 * time.Millisecond)
	}
	if scored < 27 || scored > 31 {
		t.Errorf("%d frames of a still minute, want one every two seconds", scored)
	}
}

// What comes must be confirmed and voted on: the gate stays open for at least
// eight frames and three seconds of the field clock.
func TestAChangeOpensTheGateForAVote(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{IdleEvery: time.Minute})
	for i := range 15 {
		if reason := r.gate.Check(r.frame(40, 0)); reason != "" {
			t.Fatalf("frame %d after the change: %q", i, reason)
		}
		r.after(200 * time.Millisecond)
	}
	closed := false
	for range 5 {
		closed = closed || r.gate.Check(r.frame(40, 0)) == Still
		r.after(200 * time.Millisecond)
	}
	if !closed {
		t.Error("the gate stays open for a thing that merely sits there")
	}
}

// At 30 times the wall's speed three seconds of the field are half a frame:
// then the number of frames counts.
func TestAChangeOnAFastFieldClockStillGetsItsFrames(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{IdleEvery: time.Minute})
	for i := range follow {
		if reason := r.gate.Check(r.frame(40, 0)); reason != "" {
			t.Fatalf("frame %d after the change: %q", i, reason)
		}
		r.wall, r.field = r.wall.Add(200*time.Millisecond), r.field.Add(6*time.Second)
	}
	r.want(t, r.frame(40, 0), Still)
}

func TestSmallChangesOpenNothing(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(r *rig) *capture.Frame{
		"the sensor's noise":  func(r *rig) *capture.Frame { return r.frame(0, 0) },
		"a thin cloud":        func(r *rig) *capture.Frame { return r.frame(0, 4) },
		"a leaf of one block": func(r *rig) *capture.Frame { return r.frame(8, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := settled(t, Config{IdleEvery: time.Minute})
			r.want(t, f(r), Still)
		})
	}
}

func TestACameraThatRepeatsItsPictureIsADuplicate(t *testing.T) {
	t.Parallel()
	r := newRig(Config{IdleEvery: time.Minute})
	f := r.frame(0, 0)
	r.want(t, f, "")
	for range 5 { // in the frames that follow a change, where all others are scored
		r.after(200 * time.Millisecond)
		again := *f
		again.WallAt, again.CapturedAt = r.wall, r.field
		r.want(t, &again, Duplicate)
	}
	r.after(200 * time.Millisecond)
	r.want(t, r.frame(0, 0), "")
}

// A shaken camera passes: its frames wait for a sound one. When none comes for
// three seconds they go through at the idle rate, so that what stands there is
// recorded as unsure and not missed.
func TestBadPicturesWaitAndThenGoThrough(t *testing.T) {
	t.Parallel()
	blurred := func(r *rig) *capture.Frame {
		f := r.frame(40, 0)
		f.Sharpness[0] = quality.BlurredBelow / 2
		return f
	}
	dark := func(r *rig) *capture.Frame { return scaled(r.frame(40, 0), 2) }
	for reason, bad := range map[string]func(r *rig) *capture.Frame{Blur: blurred, Exposure: dark} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			r := settled(t, Config{IdleEvery: time.Second})
			scored := 0
			for i := range 50 { // ten seconds
				got := r.gate.Check(bad(r))
				if i < 13 && got != reason {
					t.Fatalf("bad frame %d: %q, want %q", i, got, reason)
				}
				if got == "" {
					scored++
				}
				r.after(200 * time.Millisecond)
			}
			if scored < 6 || scored > 8 {
				t.Errorf("%d bad frames scored in seven seconds, want one a second", scored)
			}
			r.want(t, r.frame(0, 0), "") // a sound one at once: it differs from what was scored last
		})
	}
}

// scaled divides the brightness of a frame.
func scaled(f *capture.Frame, by uint8) *capture.Frame {
	for i := range f.ZoneLumas[0].Pix {
		f.ZoneLumas[0].Pix[i] /= by
	}
	return f
}

func TestOneSoundZoneIsEnough(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{})
	f := r.frame(40, 0)
	f.ZoneLumas = append(f.ZoneLumas, f.ZoneLumas[0])
	f.Sharpness = []float64{1, sound}
	r.want(t, f, "")
}

func TestNightIsPausedOnlyWhereTheFarmerWantsIt(t *testing.T) {
	t.Parallel()
	for _, pause := range []bool{true, false} {
		t.Run(fmt.Sprint(pause), func(t *testing.T) {
			t.Parallel()
			r := settled(t, Config{IdleEvery: time.Second, NightPause: pause})
			nights := 0
			for range 100 {
				if r.gate.Check(scaled(r.frame(0, 0), 8)) == Night {
					nights++
				}
				r.after(200 * time.Millisecond)
			}
			if want := map[bool]int{true: 100, false: 0}[pause]; nights != want {
				t.Errorf("%d of 100 dark frames left out for the night, want %d", nights, want)
			}
			if scored := 100 - int(r.gate.Skips()[Exposure]); !pause && scored < 10 {
				t.Errorf("without a pause %d dark frames were scored", scored)
			}
		})
	}
}

func TestAWallClockThatIsSetBackStopsNothing(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{IdleEvery: time.Second})
	r.wall = r.wall.Add(-240 * time.Hour)
	for i := range 10 {
		if r.gate.Check(r.frame(40, 0)) == "" {
			return
		}
		if i == 9 {
			t.Fatalf("nothing scored after the clock was set back: %v", r.gate.Skips())
		}
		r.after(200 * time.Millisecond)
	}
}

func TestNewZonesAreAChange(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{IdleEvery: time.Minute})
	f := r.frame(0, 0)
	f.ZoneLumas, f.Sharpness = append(f.ZoneLumas, f.ZoneLumas[0]), []float64{sound, sound}
	r.want(t, f, "")
}

// Each file of a folder is a picture of its own, however alike, blurred or fast
// it comes.
func TestFilesAreNeverLeftOut(t *testing.T) {
	t.Parallel()
	r := newRig(Config{NightPause: true})
	for range 20 {
		f := scaled(r.frame(0, 0), 20)
		f.Name, f.Sharpness = "a.jpg", []float64{0}
		r.want(t, f, "")
	}
	if skips := r.gate.Skips(); len(skips) != 0 {
		t.Errorf("%v", skips)
	}
}

func TestSettingsThatAreNoRateFallBack(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, -3} {
		r := newRig(Config{FramesPerSecond: rate, IdleEvery: time.Nanosecond})
		r.want(t, r.frame(0, 0), "")
		r.after(200 * time.Millisecond)
		scored := 0
		for range 40 { // four seconds at ten a second
			if r.gate.Check(r.frame(0, 0)) == "" {
				scored++
			}
			r.after(100 * time.Millisecond)
		}
		if scored < 19 || scored > 22 {
			t.Errorf("rate %v: %d frames in four seconds, want 5 a second", rate, scored)
		}
	}
}

func TestSkipsAreACopy(t *testing.T) {
	t.Parallel()
	r := settled(t, Config{IdleEvery: time.Minute})
	before := r.gate.Skips()[Still]
	r.gate.Skips()[Still] = 0
	if n := r.gate.Skips()[Still]; n != before || n == 0 {
		t.Errorf("%d skips, %d before", n, before)
	}
}

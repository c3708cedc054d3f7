package page

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gourdian/agent/internal/live"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

func zone(verdict wire.Verdict) live.ZoneState {
	return live.ZoneState{Zone: "all", Occupied: true, Frames: 3, Verdict: verdict, Probabilities: map[string]float64{"good": 0.9, "bad": 0.1}}
}

// cameraCase is a state of a camera and what is to be said of it.
type cameraCase struct {
	edit         func(*live.State, *live.Camera)
	words, never []string
}

func cameraCases() map[string]cameraCase {
	return map[string]cameraCase{
		"no picture yet": {
			func(_ *live.State, c *live.Camera) { c.FrameSeq = 0 },
			[]string{"Waiting for the first picture"}, []string{"<img", ">Live<"},
		},
		"no camera at its address": {
			func(s *live.State, c *live.Camera) {
				c.FrameSeq = 0
				s.Conditions = []live.Condition{{Code: "camera_missing", Subject: "barn", Severity: live.Serious, Args: map[string]string{"why": "unplugged"}}}
			},
			[]string{"No picture", "Technical detail: unplugged", "Check that it is plugged in"}, []string{"up to a minute"},
		},
		"judged": {
			func(_ *live.State, c *live.Camera) { c.Zones = []live.ZoneState{zone(wire.Good)} },
			[]string{">Live<", "huge good", "<circle", ">quite sure", "90%", "judged on 3 pictures", "seq=7", `class="zones"`, `<strong class="off">Not live`}, []string{"view old", "Last verdict"},
		},
		"unsure, with its reason": {
			func(_ *live.State, c *live.Camera) {
				z := zone(wire.Unsure)
				z.Reason = wire.ReasonNovel
				c.Zones = []live.ZoneState{z}
			},
			[]string{"huge unsure", "unlike anything", "most like: Good", "90%"}, []string{"quite sure"},
		},
		"too blurred to judge": {
			func(_ *live.State, c *live.Camera) {
				c.Zones = []live.ZoneState{{Zone: "all", Occupied: true, Frames: 1, Verdict: wire.Unsure, Reason: wire.ReasonQuality}}
			},
			[]string{"too blurred or too dark"}, []string{"most like"},
		},
		"stale: never the verdict of now": {
			func(_ *live.State, c *live.Camera) {
				c.FrameAt = time.Now().Add(-live.StaleAfter - time.Second)
				c.Zones = []live.ZoneState{zone(wire.Good)}
			},
			[]string{"view old", `"><strong>Not live`, "Last verdict, not live: Good"}, []string{">Live<", "huge good", "quite sure"},
		},
		"no model": {
			func(s *live.State, c *live.Camera) { s.Model, c.Zones = nil, []live.ZoneState{zone(wire.Good)} },
			[]string{"No verdict", "nothing is judged"}, []string{"huge good"},
		},
		"model starting again": {
			func(s *live.State, c *live.Camera) {
				s.Model.WorkerNote, c.Zones = "crashed", []live.ZoneState{zone(wire.Good)}
			},
			[]string{"No verdict"}, []string{"huge good"},
		},
		"nothing there": {
			func(_ *live.State, c *live.Camera) { c.Zones = []live.ZoneState{{Zone: "all"}} },
			[]string{"Nothing there"}, []string{"<p class=\"huge good"},
		},
		"came and not yet judged": {
			func(_ *live.State, c *live.Camera) { c.Zones = []live.ZoneState{{Zone: "all", Occupied: true}} },
			[]string{"Looking"}, []string{"Nothing there"},
		},
		"the end of a folder": {
			func(_ *live.State, c *live.Camera) { c.Finished, c.Zones = true, []live.ZoneState{zone(wire.Bad)} },
			[]string{"The end", "Last verdict, not live: Bad"}, []string{"huge bad", ">Live<"},
		},
		"several zones": {
			func(_ *live.State, c *live.Camera) {
				left, right := zone(wire.Bad), live.ZoneState{Zone: "right"}
				left.Zone = "left"
				c.Zones = []live.ZoneState{left, right}
			},
			[]string{"Zone left", "Zone right", "k bad", "Nothing there"}, []string{"<p class=\"huge"},
		},
		"skipped": {
			func(_ *live.State, c *live.Camera) { c.LastSkip = "blur" },
			[]string{"Last picture not judged: too blurred"}, nil,
		},
	}
}

func TestWhatIsSaidOfACamera(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, c := range cameraCases() {
			r := newRig(t)
			r.showModel()
			r.hub.SetFrame("barn", []byte("jpeg"), time.Now(), time.Now(), 7, nil)
			state := r.hub.State()
			c.edit(&state, &state.Cameras[0])
			html, err := r.server.fragment("live-barn", "en", state)
			if err != nil {
				t.Fatal(err)
			}
			for _, words := range c.words {
				if !strings.Contains(string(html), words) {
					t.Errorf("%s: no %q in %s", name, words, html)
				}
			}
			for _, words := range c.never {
				if strings.Contains(string(html), words) {
					t.Errorf("%s: %q in %s", name, words, html)
				}
			}
		}
	})
}

// TestPictureAfterARestartIsNotTakenFromTheCache is about numbers that come a
// second time within the minute that a browser may keep a picture.
func TestPictureAfterARestartIsNotTakenFromTheCache(t *testing.T) {
	t.Parallel()
	before := live.Camera{ID: "barn", FrameSeq: 5, FrameAt: time.UnixMilli(1_800_000_000_000)}
	after := before
	after.FrameAt = before.FrameAt.Add(time.Second)
	if a, b := frameAddress(&before), frameAddress(&after); a == b || frameAddress(&before) != a {
		t.Errorf("%s and %s", a, b)
	}
}

func TestPartsOfUnknownNamesAreErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	state := r.hub.State()
	for _, name := range []string{"live-none", "glance-none", "live-", "barn", ""} {
		if html, err := r.server.fragment(name, "en", state); err == nil {
			t.Errorf("%q: %s", name, html)
		}
	}
	if _, err := r.server.fragment("health", "fr", state); err == nil {
		t.Error("a language that nobody speaks here")
	}
}

func TestGlanceAtOtherCameras(t *testing.T) {
	t.Parallel()
	r := fullRig(t)
	state := r.hub.State()
	for part, words := range map[string]string{"glance-barn": "Bad", "glance-row": "1 verdict"} {
		html, err := r.server.fragment(part, "en", state)
		if err != nil || !strings.Contains(string(html), words) {
			t.Errorf("%s: %s %v", part, html, err)
		}
	}
	if text := r.get("/?camera=row").Body.String(); !strings.Contains(text, `href="/?camera=row" aria-current="true"`) || !strings.Contains(text, "glance-barn") {
		t.Error("the strip does not show which camera is chosen")
	}
}

// TestOverlayIsTheSquareThatIsJudged compares with what the board cuts out.
func TestOverlayIsTheSquareThatIsJudged(t *testing.T) {
	t.Parallel()
	camera := &live.Camera{W: 1280, H: 720}
	for _, z := range []vision.Zone{{}, {ID: "a", X: 2500, Y: 1000, Side: 5000}, {ID: "over the edge", X: 9000, Y: 9000, Side: 9000}} {
		x, y, side := z.Square(camera.W, camera.H)
		box := overlayOf(camera, []vision.Zone{z}).Boxes[0]
		scale := float64(camera.W) / overlayWidth
		for _, pair := range [][2]int{{x, box.X}, {y, box.Y}, {side, box.Side}} {
			if d := float64(pair[0]) - float64(pair[1])*scale; d > scale || d < -scale {
				t.Errorf("%+v is drawn at %+v, judged at %d %d %d", z, box, x, y, side)
			}
		}
	}
	if boxes := overlayOf(camera, nil).Boxes; len(boxes) != 1 || boxes[0].Name != "" {
		t.Errorf("without zones: %+v", boxes)
	}
	if boxes := overlayOf(&live.Camera{}, nil).Boxes; len(boxes) != 0 {
		t.Errorf("without a picture: %+v", boxes)
	}
}

func TestCustomClassesHaveTheirOwnWordsAndShapes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	model := &live.Model{Task: "custom", Classes: []live.ModelClass{
		{Name: "whole", Labels: map[string]string{"en": "Whole one", "es": "Entera"}}, {Name: "cut", Labels: map[string]string{"en": "Cut"}}, {Name: "bare"},
	}}
	seen := map[string]bool{}
	for i, want := range []string{"Entera", "Cut", "bare"} {
		v := r.server.pages.voices["es"].verdict(wire.Verdict(model.Classes[i].Name), model)
		if v.Word != want || seen[v.Shape] || seen[v.Tone] {
			t.Errorf("%+v, want %s", v, want)
		}
		seen[v.Shape], seen[v.Tone] = true, true
	}
	if v := r.server.pages.voices["en"].verdict("older", model); v.Word != "older" {
		t.Errorf("a class of an older model: %+v", v)
	}
}

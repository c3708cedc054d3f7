package live

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gourdian/agent/internal/settings"
	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitSleepsUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHub("1", "device")
		var got State
		var woke bool
		go func() {
			var err error
			if got, err = h.Wait(t.Context(), h.State().Revision); err != nil {
				t.Error(err)
			}
			woke = true
		}()
		synctest.Wait()
		if woke {
			t.Fatal("woke without a change")
		}
		h.SetClock(wire.ClockSynced)
		synctest.Wait()
		if !woke || got.Clock != wire.ClockSynced || got.Revision != 1 {
			t.Errorf("woke %v with %+v", woke, got)
		}
	})
}

func TestWaitGivesTheNewestToAReaderThatFellBehind(t *testing.T) {
	t.Parallel()
	h := NewHub("1", "device")
	for range 5 {
		h.SetClock(wire.ClockSynced)
	}
	if s, err := h.Wait(t.Context(), 2); err != nil || s.Revision != 5 {
		t.Errorf("revision %d, %v", s.Revision, err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := NewHub("1", "device")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Wait(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestReaderCannotReachTheHub writes all over a copy, and over what was given
// to the hub.
func TestReaderCannotReachTheHub(t *testing.T) {
	t.Parallel()
	h := NewHub("1", "device")
	model := &Model{ID: "m", Classes: []ModelClass{{Name: "good", Labels: map[string]string{"en": "Good"}}}}
	set := settings.Default([]settings.Camera{{ID: "north", Zones: []vision.Zone{{ID: "z", Side: 500}}}})
	args := map[string]string{"free": "3"}
	h.SetModel(model)
	h.SetSettings(set)
	h.Raise(Condition{Code: "disk", Args: args})
	h.UpdateCamera("north", func(c *Camera) {
		c.Skips = map[string]uint64{"dark": 1}
		c.Zones = []ZoneState{{Zone: "z", Probabilities: map[string]float64{"good": 1}}}
	})
	want := h.State()

	model.Classes[0].Labels["en"], set.Cameras[0].Zones[0].Side, args["free"] = "X", 1, "X"
	s := h.State()
	s.Model.Classes[0].Labels["en"], s.Model.ID = "X", "X"
	s.Settings.Cameras[0].Zones[0].Side = 1
	s.Conditions[0].Args["free"] = "X"
	s.Cameras[0].Skips["dark"] = 9
	s.Cameras[0].Zones[0].Probabilities["good"] = 0
	if got := h.State(); !reflect.DeepEqual(got, want) {
		t.Errorf("the hub changed: %+v, was %+v", got, want)
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	h := NewHub("1", "device")
	if _, _, _, ok := h.Frame("north"); ok {
		t.Error("a picture before the first one")
	}
	at, field := time.Unix(100, 0), time.Unix(5000, 0)
	h.SetFrame("north", []byte("jpeg"), at, field, 7, nil)
	h.SetFrame("south", []byte("other"), at, field.Add(-time.Hour), 3, nil)
	if data, got, seq, ok := h.Frame("north"); !ok || string(data) != "jpeg" || !got.Equal(at) || seq != 7 {
		t.Errorf("%s %v %d %v", data, got, seq, ok)
	}
	s := h.State()
	if len(s.Cameras) != 2 || s.Cameras[0].FrameSeq != 7 || !s.Cameras[0].FrameAt.Equal(at) || !s.FieldNow.Equal(field) {
		t.Errorf("%+v", s)
	}
}

func TestConditionsHoldUntilCleared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHub("1", "device")
		began := time.Now()
		h.Raise(Condition{Code: "dark", Subject: "north", Severity: Info})
		<-time.After(time.Minute) // of the test's own clock
		h.Raise(Condition{Code: "dark", Subject: "south", Severity: Warning})
		h.Raise(Condition{Code: "disk", Severity: Serious, Args: map[string]string{"free": "3"}})
		rev := h.State().Revision
		h.Raise(Condition{Code: "disk", Severity: Serious, Args: map[string]string{"free": "3"}})
		h.Clear("disk", "north")
		if got := h.State().Revision; got != rev {
			t.Errorf("what changes nothing woke the readers: revision %d, was %d", got, rev)
		}
		h.Raise(Condition{Code: "dark", Subject: "north", Severity: Serious})
		var got []string
		for _, c := range h.State().Conditions {
			got = append(got, c.Code+" "+c.Subject+" "+strconv.Itoa(int(c.Severity)))
			if c.Code == "dark" && c.Subject == "north" && !c.Since.Equal(began) {
				t.Errorf("since %v, want %v", c.Since, began)
			}
		}
		if want := []string{"disk  2", "dark north 2", "dark south 1"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q: the worst first", got, want)
		}
		h.Clear("dark", "north")
		h.Clear("disk", "")
		if c := h.State().Conditions; len(c) != 1 || c[0].Subject != "south" {
			t.Errorf("left %+v", c)
		}
	})
}

func TestUpdateModelWithoutAModelIsNothing(t *testing.T) {
	t.Parallel()
	h := NewHub("1", "device")
	h.UpdateModel(func(m *Model) { m.Restarts++ })
	h.SetModel(&Model{})
	h.UpdateModel(func(m *Model) { m.Restarts++ })
	if got := h.State().Model.Restarts; got != 1 {
		t.Errorf("%d restarts", got)
	}
	h.SetModel(nil)
	if h.State().Model != nil {
		t.Error("the model is still shown")
	}
}

// TestManyWritersAndReaders is for the race detector: nobody waits for a reader
// and revisions only rise.
func TestManyWritersAndReaders(t *testing.T) {
	t.Parallel()
	h := NewHub("1", "device")
	const writers, rounds = 4, 200
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range rounds {
				h.SetFrame(strconv.Itoa(w), []byte{1}, time.Unix(1, 0), time.Unix(1, 0), uint64(i), nil)
			}
		})
	}
	for range 3 {
		all.Go(func() {
			for seen := uint64(0); seen < writers*rounds; {
				s, err := h.Wait(t.Context(), seen)
				if err != nil || s.Revision <= seen {
					t.Errorf("revision %d after %d, %v", s.Revision, seen, err)
					return
				}
				seen = s.Revision
			}
		})
	}
	all.Wait()
}

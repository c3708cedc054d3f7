package agent

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"gourdian/agent/internal/live"
	"gourdian/agent/internal/settings"
	profiles "gourdian/firmware-profiles"
	"gourdian/internal/vision"
)

// shelf is a settingsKeeper in memory.
type shelf struct {
	mu      sync.Mutex
	data    json.RawMessage
	quota   int
	loadErr error
	saveErr error
}

func (s *shelf) LoadSettings(context.Context) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data, s.loadErr
}

func (s *shelf) SaveSettings(_ context.Context, data json.RawMessage) error {
	s.mu.Lock()
	if s.saveErr == nil {
		s.data = slices.Clone(data)
	}
	s.mu.Unlock()
	for range rand.IntN(50) { // a disk answers when it likes
		runtime.Gosched()
	}
	return s.saveErr
}

func (s *shelf) SetPictureQuota(mb int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota = mb
	return nil
}

// testBoard is a board of two cameras before anything is wired.
func testBoard() *board {
	return &board{
		config:  Config{Cameras: []Camera{{ID: "barn", Name: "Barn", FPS: 3}, {ID: "row"}}},
		profile: profiles.Profile{Camera: profiles.Camera{FramesPerSecond: 2}, Store: profiles.Store{PicturesMB: 700}},
	}
}

func controlOver(t *testing.T, k *shelf) (*control, *live.Hub) {
	t.Helper()
	hub := live.NewHub("test", "device")
	return newControl(t.Context(), k, hub, testBoard().firstSettings(), slog.New(slog.NewTextHandler(t.Output(), nil))), hub
}

func conditionsOf(hub *live.Hub) []string {
	var codes []string
	for _, c := range hub.State().Conditions {
		codes = append(codes, c.Code)
	}
	return codes
}

func TestFirstSettingsComeFromConfigAndProfile(t *testing.T) {
	t.Parallel()
	k := &shelf{}
	c, hub := controlOver(t, k)
	barn, row := c.camera("barn")(), c.camera("row")()
	if barn.Name != "Barn" || barn.FramesPerSecond != 3 || row.Name != "row" || row.FramesPerSecond != 2 {
		t.Errorf("cameras: %+v, %+v", barn, row)
	}
	shown := hub.State().Settings
	if shown.KeepPicturesMB != 700 || k.quota != 700 || len(shown.Cameras) != 2 {
		t.Errorf("shown %+v, quota %d", shown, k.quota)
	}
	if err := shown.Validate(); err != nil {
		t.Errorf("the first settings can't be saved again: %v", err)
	}
	if codes := conditionsOf(hub); len(codes) > 0 {
		t.Errorf("a new board complains of %v", codes)
	}
}

func TestDamagedSettingsCostThemselvesAndNotTheBoard(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]*shelf{
		"cut off":      {data: json.RawMessage(`{"board_name": "Fin`)},
		"out of range": {data: json.RawMessage(`{"board_name":"Finca","language":"en","keep_pictures_mb":1,"cameras":[]}`)},
		"no object":    {data: json.RawMessage(`"settings"`)},
		"store fails":  {loadErr: errors.New("checksum mismatch")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, hub := controlOver(t, k)
			if got := c.camera("barn")(); got.FramesPerSecond != 3 {
				t.Errorf("in force: %+v", got)
			}
			if codes := conditionsOf(hub); !slices.Equal(codes, []string{settingsDamaged}) {
				t.Fatalf("conditions: %v", codes)
			}
			if err := c.Apply(t.Context(), hub.State().Settings); err != nil {
				t.Fatal(err)
			}
			if codes := conditionsOf(hub); len(codes) > 0 {
				t.Errorf("saved anew, and still: %v", codes)
			}
		})
	}
}

func TestChangedSettingsAreInForceAndOutliveARestart(t *testing.T) {
	t.Parallel()
	k := &shelf{}
	c, hub := controlOver(t, k)
	wanted := hub.State().Settings
	wanted.BoardName, wanted.KeepPicturesMB = "Finca", 99
	wanted.Cameras[0].Zones = []vision.Zone{{ID: "left", X: 1, Y: 2, Side: 5000}}
	if err := c.Apply(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	wanted.Cameras[0].Zones[0].ID = "scribbled" // the page's copy is not the board's
	if got := c.camera("barn")(); len(got.Zones) != 1 || got.Zones[0].ID != "left" || k.quota != 99 {
		t.Errorf("in force: %+v, quota %d", got, k.quota)
	}
	again, hub := controlOver(t, k)
	if got := again.camera("barn")(); len(got.Zones) != 1 || hub.State().Settings.BoardName != "Finca" || k.quota != 99 {
		t.Errorf("after a restart: %+v, quota %d", got, k.quota)
	}
}

func TestRefusedSettingsChangeNothing(t *testing.T) {
	t.Parallel()
	k := &shelf{}
	c, hub := controlOver(t, k)
	before := hub.State().Revision
	bad, foreign := hub.State().Settings, hub.State().Settings
	bad.Cameras[0].FramesPerSecond = 1000
	foreign.Cameras[0].ID = "elsewhere"
	for name, s := range map[string]settings.Settings{"out of range": bad, "another board's camera": foreign} {
		var problems settings.Problems
		if err := c.Apply(t.Context(), s); !errors.As(err, &problems) || len(problems) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	k.saveErr = errors.New("no room")
	if err := c.Apply(t.Context(), hub.State().Settings); !errors.Is(err, k.saveErr) {
		t.Errorf("the store's error is lost: %v", err)
	}
	if hub.State().Revision != before || k.data != nil || k.quota != 700 {
		t.Errorf("something changed: %s, quota %d", k.data, k.quota)
	}
}

// A board may lose a camera of its config while the page still shows it.
func TestCameraThatSettingsLeftOutIsAsIfNew(t *testing.T) {
	t.Parallel()
	c, hub := controlOver(t, &shelf{})
	s := hub.State().Settings
	s.Cameras = s.Cameras[:1]
	if err := c.Apply(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if got := c.camera("row")(); got.FramesPerSecond <= 0 || got.Name != "row" {
		t.Errorf("in force: %+v", got)
	}
}

func TestWhatIsSavedLastIsInForce(t *testing.T) {
	t.Parallel()
	k := &shelf{}
	c, hub := controlOver(t, k)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			s := hub.State().Settings
			s.KeepPicturesMB = 100 + i
			if err := c.Apply(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var kept settings.Settings
	if err := json.Unmarshal(k.data, &kept); err != nil {
		t.Fatal(err)
	}
	if shown := hub.State().Settings; shown.KeepPicturesMB != kept.KeepPicturesMB || k.quota != kept.KeepPicturesMB {
		t.Errorf("kept %d, shown %d, quota %d", kept.KeepPicturesMB, shown.KeepPicturesMB, k.quota)
	}
}

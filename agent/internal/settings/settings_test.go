package settings

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"gourdian/internal/vision"
)

func board() Settings {
	return Default([]Camera{{ID: "north", Zones: []vision.Zone{{ID: "left", X: 100, Y: 200, Side: 3000}}}, {ID: "south", Name: "South gate"}})
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	s := board()
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if s.Cameras[0].Name != "north" || s.Cameras[1].Name != "South gate" || s.Cameras[1].Zones == nil {
		t.Errorf("cameras %+v", s.Cameras)
	}
	empty := Default(nil)
	if err := empty.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	t.Parallel()
	s := board()
	s.BoardName = strings.Repeat("ñ", MaxName+1)
	s.Language = "fr"
	s.KeepPicturesMB = 49
	s.Samples = Samples{PerDay: 0, MBPerDay: 10_001}
	s.Cameras[0].Name = " "
	s.Cameras[0].FramesPerSecond = math.NaN()
	s.Cameras[0].Sensitivity = ""
	s.Cameras[0].Zones = append(s.Cameras[0].Zones, vision.Zone{ID: "left", X: -1, Y: 10001, Side: 499}, vision.Zone{ID: "a b", Side: 500})
	s.Cameras[1].ID = "north"
	s.Cameras[1].Name = "a\u202eb"
	s.Cameras[1].Zones = make([]vision.Zone, MaxZones+1)
	var got Problems
	if err := s.Validate(); !errors.As(err, &got) {
		t.Fatalf("%v", err)
	}
	want := Problems{
		{Path: "board_name", Code: CodeLength, Min: 1, Max: 40},
		{Path: "language", Code: CodeChoice, Choices: Languages()},
		{Path: "keep_pictures_mb", Code: CodeRange, Min: 50, Max: 1_000_000},
		{Path: "samples.per_day", Code: CodeRange, Min: 1, Max: 10_000},
		{Path: "samples.mb_per_day", Code: CodeRange, Min: 1, Max: 10_000},
		{Path: "cameras[0].name", Code: CodeLength, Min: 1, Max: 40},
		{Path: "cameras[0].frames_per_second", Code: CodeRange, Min: 0.2, Max: 30},
		{Path: "cameras[0].sensitivity", Code: CodeChoice, Choices: Sensitivities()},
		{Path: "cameras[0].zones[1].id", Code: CodeTwice},
		{Path: "cameras[0].zones[1].x", Code: CodeRange, Max: 10000},
		{Path: "cameras[0].zones[1].y", Code: CodeRange, Max: 10000},
		{Path: "cameras[0].zones[1].side", Code: CodeRange, Min: 500, Max: 10000},
		{Path: "cameras[0].zones[2].id", Code: CodeID, Max: 64},
		{Path: "cameras[1].id", Code: CodeTwice},
		{Path: "cameras[1].name", Code: CodeOddChars},
		{Path: "cameras[1].zones", Code: CodeTooMany, Max: 16},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	if lines := strings.Split(got.Error(), "\n"); len(lines) != len(want) || lines[2] != "keep_pictures_mb: from 50 to 1e+06" {
		t.Errorf("%q", lines)
	}
}

func TestNamesInAnyLanguageFit(t *testing.T) {
	t.Parallel()
	s := board()
	for _, name := range []string{"Granja Peña", "畑の北側", strings.Repeat("ñ", MaxName), "Tor 2 – links"} {
		s.BoardName = name
		if err := s.Validate(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestSettingsOfAnotherBoardAreRefused(t *testing.T) {
	t.Parallel()
	s := board()
	if err := s.ValidateFor([]string{"south", "north"}); err != nil {
		t.Error(err)
	}
	s.Language = ""
	var got Problems
	if err := s.ValidateFor([]string{"south"}); !errors.As(err, &got) || len(got) != 2 || got[1].Path != "cameras[0].id" || got[1].Code != CodeUnknown {
		t.Errorf("%+v", got)
	}
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `[]`, `{"board":"x"}`, `{"cameras":[{"fps":3}]}`, `{} {}`, `{"keep_pictures_mb":1e99}`} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
	data, err := json.Marshal(board())
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Decode(data); err != nil || !reflect.DeepEqual(s, board()) {
		t.Errorf("%+v, %v", s, err)
	}
}

// memory is a Keeper.
type memory struct {
	data json.RawMessage
	err  error
}

func (m *memory) LoadSettings(context.Context) (json.RawMessage, error) { return m.data, m.err }

func (m *memory) SaveSettings(_ context.Context, data json.RawMessage) error {
	m.data = data
	return m.err
}

func TestSavedSettingsWinAndFitTheCameras(t *testing.T) {
	t.Parallel()
	m := &memory{}
	if s, err := Load(t.Context(), m, board()); err != nil || !reflect.DeepEqual(s, board()) {
		t.Fatalf("before the first save: %+v, %v", s, err)
	}
	s := board()
	s.BoardName, s.Cameras[0].Name = "Barn", "Door"
	if err := Save(t.Context(), m, s); err != nil {
		t.Fatal(err)
	}
	first := Default([]Camera{{ID: "east"}, {ID: "north"}})
	got, err := Load(t.Context(), m, first)
	if err != nil {
		t.Fatal(err)
	}
	want := first.Clone()
	want.BoardName, want.Cameras[1] = "Barn", s.Cameras[0]
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestSettingsOfAnOlderProgram were saved when no picture left a board.
func TestSettingsOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	k := &memory{data: json.RawMessage(`{"board_name":"Finca","language":"es","keep_pictures_mb":500,"cameras":[]}`)}
	first := Default(nil)
	got, err := Load(t.Context(), k, first)
	if err != nil || got.BoardName != "Finca" || got.Samples != first.Samples {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDamagedSettingsGiveTheFirstOnes(t *testing.T) {
	t.Parallel()
	tests := map[string]*memory{
		"no JSON":      {data: json.RawMessage(`{"board_name":`)},
		"out of range": {data: json.RawMessage(`{"board_name":"","keep_pictures_mb":-1}`)},
		"disk error":   {err: errors.New("input/output error")},
	}
	for name, m := range tests {
		if s, err := Load(t.Context(), m, board()); err == nil || !reflect.DeepEqual(s, board()) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	newer := &memory{}
	s := board()
	if err := Save(t.Context(), newer, s); err != nil {
		t.Fatal(err)
	}
	newer.data = append([]byte(`{"from_a_newer_program":1,`), newer.data[1:]...)
	if got, err := Load(t.Context(), newer, board()); err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("with a newer field: %+v, %v", got, err)
	}
}

func TestBadSettingsAreNotSaved(t *testing.T) {
	t.Parallel()
	m := &memory{}
	s := board()
	s.Language = "fr"
	if err := Save(t.Context(), m, s); err == nil || m.data != nil {
		t.Errorf("%v, saved %s", err, m.data)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	s := board()
	c := s.Clone()
	c.Cameras[0].Zones[0].X = 77
	c.Cameras[1].Name = "x"
	if !reflect.DeepEqual(s, board()) {
		t.Errorf("the original changed: %+v", s)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"board_name":"a","cameras":[{"id":"n","zones":[{"id":"z","side":500}]}]}`))
	f.Add([]byte(`{"keep_pictures_mb":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

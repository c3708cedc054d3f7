package page

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gourdian/agent/internal/settings"
	"gourdian/internal/vision"
	"gourdian/internal/web"
)

// settingsForm is the form of all settings as it was typed: what can't be read
// is still shown as it stands. Paths of fields are those of settings.Problem.
type settingsForm struct {
	BoardName string
	Language  string
	Keep      string
	Send      bool
	PerDay    string
	MBPerDay  string
	Cameras   []cameraForm
}

type cameraForm struct {
	ID          string
	Name        string
	FPS         string
	Sensitivity string
	Night       bool
	Zones       []zoneForm
}

// zoneForm is one zone: its numbers are per cent, so that people can read them.
type zoneForm struct{ ID, X, Y, Side string }

// blank reports a row in which nothing stands: no zone.
func (z zoneForm) blank() bool { return strings.TrimSpace(z.ID+z.X+z.Y+z.Side) == "" }

// Names of the form's fields.
const (
	fieldBoard       = "board_name"
	fieldLanguage    = "language"
	fieldKeep        = "keep_pictures_mb"
	fieldSend        = "samples.send"
	fieldPerDay      = "samples.per_day"
	fieldMBPerDay    = "samples.mb_per_day"
	fieldCameraName  = "name"
	fieldFPS         = "frames_per_second"
	fieldSensitivity = "sensitivity"
	fieldNight       = "night_pause"
)

// zoneRows bounds the rows that are read of one camera: more than may be kept,
// so that too many are a fault and not silently lost.
const zoneRows = 2 * settings.MaxZones

// formOf writes settings into the form, numbers as the reader's language does.
func formOf(v *web.Speaker, s settings.Settings) settingsForm {
	f := settingsForm{
		BoardName: s.BoardName, Language: s.Language, Keep: strconv.Itoa(s.KeepPicturesMB),
		Send: s.Samples.Send, PerDay: strconv.Itoa(s.Samples.PerDay), MBPerDay: strconv.Itoa(s.Samples.MBPerDay),
	}
	for i := range s.Cameras {
		c := &s.Cameras[i]
		camera := cameraForm{
			ID: c.ID, Name: c.Name, FPS: written(v, c.FramesPerSecond),
			Sensitivity: c.Sensitivity, Night: c.NightPause,
		}
		for _, z := range c.Zones {
			camera.Zones = append(camera.Zones, zoneForm{z.ID, percentOf(v, z.X), percentOf(v, z.Y), percentOf(v, z.Side)})
		}
		f.Cameras = append(f.Cameras, camera)
	}
	return f
}

// percentOf writes ten-thousandths as per cent: 1250 is "12.5".
func percentOf(v *web.Speaker, n int) string { return written(v, float64(n)/100) }

// written is a number with as many decimals as it has.
func written(v *web.Speaker, n float64) string { return v.Decimal(n, -1) }

// readForm takes what was sent. Cameras are those of the board, whatever was
// sent.
func readForm(values url.Values, board settings.Settings) settingsForm {
	f := settingsForm{
		BoardName: values.Get(fieldBoard), Language: values.Get(fieldLanguage), Keep: values.Get(fieldKeep),
		Send: values.Get(fieldSend) != "", PerDay: values.Get(fieldPerDay), MBPerDay: values.Get(fieldMBPerDay),
	}
	for i := range board.Cameras {
		id := board.Cameras[i].ID
		get := func(field string) string { return values.Get(cameraField(id, field)) }
		camera := cameraForm{
			ID: id, Name: get(fieldCameraName), FPS: get(fieldFPS),
			Sensitivity: get(fieldSensitivity), Night: get(fieldNight) != "",
		}
		for n := range zoneRows {
			at := func(field string) string { return get(zoneField(n, field)) }
			zone := zoneForm{at("id"), at("x"), at("y"), at("side")}
			if !zone.blank() && at("remove") == "" {
				camera.Zones = append(camera.Zones, zone)
			}
		}
		f.Cameras = append(f.Cameras, camera)
	}
	return f
}

func cameraField(id, field string) string { return "camera." + id + "." + field }

func zoneField(n int, field string) string { return "zone." + strconv.Itoa(n) + "." + field }

// settings returns what the form asks for, or every fault in it.
func (f *settingsForm) settings() (settings.Settings, settings.Problems) {
	var r formReader
	s := settings.Settings{
		BoardName: strings.TrimSpace(f.BoardName), Language: f.Language, Cameras: []settings.Camera{},
		KeepPicturesMB: int(r.number(fieldKeep, f.Keep, 1, settings.MinKeepPicturesMB, settings.MaxKeepPicturesMB)),
		Samples: settings.Samples{
			Send:     f.Send,
			PerDay:   int(r.number(fieldPerDay, f.PerDay, 1, settings.MinSamples, settings.MaxSamples)),
			MBPerDay: int(r.number(fieldMBPerDay, f.MBPerDay, 1, settings.MinSamples, settings.MaxSamples)),
		},
	}
	for i := range f.Cameras {
		c := &f.Cameras[i]
		path := fmt.Sprintf("cameras[%d]", i)
		camera := settings.Camera{
			ID: c.ID, Name: strings.TrimSpace(c.Name), Sensitivity: c.Sensitivity, NightPause: c.Night, Zones: []vision.Zone{},
			FramesPerSecond: r.decimal(path+"."+fieldFPS, c.FPS, settings.MinFPS, settings.MaxFPS),
		}
		for n, zone := range c.Zones {
			path := fmt.Sprintf("%s.zones[%d]", path, n)
			camera.Zones = append(camera.Zones, vision.Zone{
				ID:   strings.TrimSpace(zone.ID),
				X:    int(r.number(path+".x", zone.X, 100, 0, settings.ZoneUnit)),
				Y:    int(r.number(path+".y", zone.Y, 100, 0, settings.ZoneUnit)),
				Side: int(r.number(path+".side", zone.Side, 100, settings.MinZoneSide, settings.ZoneUnit)),
			})
		}
		s.Cameras = append(s.Cameras, camera)
	}
	var found settings.Problems
	if err := s.Validate(); err != nil && !errors.As(err, &found) {
		found = settings.Problems{{Code: settings.CodeUnknown}}
	}
	for _, problem := range r.found {
		if !slices.ContainsFunc(found, func(p settings.Problem) bool { return p.Path == problem.Path }) {
			found = append(found, problem)
		}
	}
	return s, found
}

// formReader reads numbers and gathers what is none. It puts a number within
// the limits in its place, so that nothing is blamed twice.
type formReader struct{ found settings.Problems }

// decimal reads a number with a point or, as Spanish writes it, a comma.
func (r *formReader) decimal(path, text string, low, high float64) float64 {
	v, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(text), ",", ".", 1), 64)
	if err != nil || math.IsNaN(v) {
		r.found = append(r.found, settings.Problem{Path: path, Code: settings.CodeRange, Min: low, Max: high})
		return low
	}
	return v
}

// number reads a number times unit, to the nearest whole one. Far beyond the
// limits it is cut, so that none overflows.
func (r *formReader) number(path, text string, unit, low, high float64) float64 {
	v := r.decimal(path, text, low/unit, high/unit)
	return math.Round(min(max(v*unit, low-1), high+1))
}

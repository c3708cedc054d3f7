package settings

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gourdian/internal/vision"
	"gourdian/internal/wire"
)

// Validate returns nil, or Problems with every field that can't be as it is.
func (s *Settings) Validate() error {
	var c checker
	c.name("board_name", s.BoardName)
	c.choice("language", s.Language, Languages())
	c.within("keep_pictures_mb", float64(s.KeepPicturesMB), MinKeepPicturesMB, MaxKeepPicturesMB)
	c.within("samples.per_day", float64(s.Samples.PerDay), MinSamples, MaxSamples)
	c.within("samples.mb_per_day", float64(s.Samples.MBPerDay), MinSamples, MaxSamples)
	seen := map[string]bool{}
	for i := range s.Cameras {
		path := fmt.Sprintf("cameras[%d]", i)
		c.id(path+".id", s.Cameras[i].ID, seen)
		c.camera(path, &s.Cameras[i])
	}
	if len(c.found) == 0 {
		return nil
	}
	return c.found
}

// ValidateFor is Validate for a board that has these cameras: it can't be
// given settings for another one.
func (s *Settings) ValidateFor(cameras []string) error {
	var found Problems
	if err := s.Validate(); err != nil {
		found = err.(Problems)
	}
	for i := range s.Cameras {
		if !slices.Contains(cameras, s.Cameras[i].ID) {
			found = append(found, Problem{Path: fmt.Sprintf("cameras[%d].id", i), Code: CodeUnknown})
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// checker gathers problems.
type checker struct{ found Problems }

func (c *checker) camera(path string, cam *Camera) {
	c.name(path+".name", cam.Name)
	c.within(path+".frames_per_second", cam.FramesPerSecond, MinFPS, MaxFPS)
	c.choice(path+".sensitivity", cam.Sensitivity, Sensitivities())
	if len(cam.Zones) > MaxZones {
		c.add(Problem{Path: path + ".zones", Code: CodeTooMany, Max: MaxZones})
		return
	}
	seen := map[string]bool{}
	for i, zone := range cam.Zones {
		c.zone(fmt.Sprintf("%s.zones[%d]", path, i), zone, seen)
	}
}

// zone allows a square that hangs over an edge: the preprocessing moves it in,
// and how far it hangs depends on the picture's shape.
func (c *checker) zone(path string, z vision.Zone, seen map[string]bool) {
	c.id(path+".id", z.ID, seen)
	c.within(path+".x", float64(z.X), 0, ZoneUnit)
	c.within(path+".y", float64(z.Y), 0, ZoneUnit)
	c.within(path+".side", float64(z.Side), MinZoneSide, ZoneUnit)
}

func (c *checker) add(p Problem) { c.found = append(c.found, p) }

func (c *checker) name(path, text string) {
	n := utf8.RuneCountInString(strings.TrimSpace(text))
	if n < 1 || n > MaxName {
		c.add(Problem{Path: path, Code: CodeLength, Min: 1, Max: MaxName})
		return
	}
	odd := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if strings.ContainsFunc(text, odd) {
		c.add(Problem{Path: path, Code: CodeOddChars})
	}
}

func (c *checker) within(path string, v, low, high float64) {
	if !(v >= low && v <= high) { // also when it is not a number
		c.add(Problem{Path: path, Code: CodeRange, Min: low, Max: high})
	}
}

func (c *checker) choice(path, v string, choices []string) {
	if !slices.Contains(choices, v) {
		c.add(Problem{Path: path, Code: CodeChoice, Choices: choices})
	}
}

// id allows what a record allows (wire.Record.Validate), once.
func (c *checker) id(path, id string, seen map[string]bool) {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
	}
	odd := func(r rune) bool { return !allowed(r) }
	if id == "" || len(id) > wire.MaxID || id[0] == '.' || strings.ContainsFunc(id, odd) {
		c.add(Problem{Path: path, Code: CodeID, Max: wire.MaxID})
		return
	}
	if seen[id] {
		c.add(Problem{Path: path, Code: CodeTwice})
	}
	seen[id] = true
}

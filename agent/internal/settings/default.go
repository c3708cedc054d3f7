package settings

import (
	"cmp"

	"gourdian/internal/vision"
)

// Default returns the settings of a new board with these cameras. Of a camera
// the ID is needed; what else is empty gets its default.
func Default(cameras []Camera) Settings {
	s := Settings{BoardName: "gourdian", Language: "auto", Cameras: []Camera{}, KeepPicturesMB: 2000, Samples: firstSamples()}
	for _, c := range cameras {
		c.Name = cmp.Or(c.Name, c.ID)
		c.Zones = append([]vision.Zone{}, c.Zones...)
		c.FramesPerSecond = cmp.Or(c.FramesPerSecond, 5)
		c.Sensitivity = cmp.Or(c.Sensitivity, "normal")
		s.Cameras = append(s.Cameras, c)
	}
	return s
}

// firstSamples are a few pictures an hour: what a prepaid card of a telephone
// bears, and more than a person labels.
func firstSamples() Samples { return Samples{Send: true, PerDay: 60, MBPerDay: 20} }

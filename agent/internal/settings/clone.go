package settings

import "slices"

// Clone returns a copy that shares nothing with s.
func (s Settings) Clone() Settings {
	s.Cameras = slices.Clone(s.Cameras)
	for i := range s.Cameras {
		s.Cameras[i].Zones = slices.Clone(s.Cameras[i].Zones)
	}
	return s
}

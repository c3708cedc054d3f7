package settings

import "gourdian/internal/wire"

// Limits of what may be set. The page shows them beside each field. What a hub
// may ask for has its limits in package wire, for both sides.
const (
	MaxName           = 40 // characters of a board's or camera's name
	MaxZones          = 16 // of one camera
	MinZoneSide       = 500
	ZoneUnit          = 10000 // a zone's numbers are ten-thousandths of the picture
	MinFPS            = wire.MinFPS
	MaxFPS            = wire.MaxFPS
	MinKeepPicturesMB = wire.MinKeepPicturesMB
	MaxKeepPicturesMB = wire.MaxKeepPicturesMB
	MinSamples        = wire.MinSamples
	MaxSamples        = wire.MaxSamples
)

// Languages are the values of Settings.Language.
func Languages() []string { return wire.Languages() }

// Sensitivities are the values of Camera.Sensitivity, from the calmest.
func Sensitivities() []string { return wire.Sensitivities() }

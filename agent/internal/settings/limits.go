package settings

// Limits of what may be set. The page shows them beside each field.
const (
	MaxName           = 40 // characters of a board's or camera's name
	MaxZones          = 16 // of one camera
	MinZoneSide       = 500
	ZoneUnit          = 10000 // a zone's numbers are ten-thousandths of the picture
	MinFPS            = 0.2
	MaxFPS            = 30
	MinKeepPicturesMB = 50
	MaxKeepPicturesMB = 1_000_000
	MinSamples        = 1 // pictures, and megabytes, a day
	MaxSamples        = 10_000
)

// Languages are the values of Settings.Language.
func Languages() []string { return []string{"auto", "en", "es"} }

// Sensitivities are the values of Camera.Sensitivity, from the calmest.
func Sensitivities() []string { return []string{"low", "normal", "high"} }

package wire

// Limits of the settings that a hub may desire of a board. The board checks
// what it is asked for, and the hub what it asks for, by the same numbers.
const (
	MinFPS            = 0.2 // frames scored each second
	MaxFPS            = 30
	MinKeepPicturesMB = 50 // quota for pictures
	MaxKeepPicturesMB = 1_000_000
	MinSamples        = 1 // pictures, and megabytes, a day for learning
	MaxSamples        = 10_000
)

// Languages are the values of the setting "language".
func Languages() []string { return []string{"auto", "en", "es"} }

// Sensitivities are the values of the setting "sensitivity", from the calmest.
func Sensitivities() []string { return []string{"low", "normal", "high"} }

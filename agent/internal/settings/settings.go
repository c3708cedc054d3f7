package settings

import "gourdian/internal/vision"

// Settings are what the farmer changes on the page while the board runs; they
// are kept in the store and win over the config file's first values.
type Settings struct {
	BoardName string   `json:"board_name"` // 1..40 characters
	Language  string   `json:"language"`   // "auto", "en", "es": of the page where the browser says nothing
	Cameras   []Camera `json:"cameras"`
	// KeepPicturesMB is the quota for pictures, 50..1,000,000.
	KeepPicturesMB int `json:"keep_pictures_mb"`
}

// Camera are the settings of one camera.
type Camera struct {
	ID   string `json:"id"`   // from the config, not changeable
	Name string `json:"name"` // 1..40 characters
	// Zones are the squares in which pumpkins lie; none = the whole picture's centred square.
	Zones []vision.Zone `json:"zones"`
	// FramesPerSecond is the most frames scored each second, 0.2..30.
	FramesPerSecond float64 `json:"frames_per_second"`
	// Sensitivity is how much of a zone must change for a new sighting: "low", "normal", "high".
	Sensitivity string `json:"sensitivity"`
	// NightPause stops scoring while the picture is too dark.
	NightPause bool `json:"night_pause"`
}

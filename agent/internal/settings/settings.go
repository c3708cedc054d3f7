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
	// Samples says which pictures go to the hub that the board has joined.
	Samples Samples `json:"samples"`
}

// Samples bounds the pictures that are sent for learning.
type Samples struct {
	Send     bool `json:"send"`       // false: pictures never leave the board
	PerDay   int  `json:"per_day"`    // pictures a day at most, 1..10,000
	MBPerDay int  `json:"mb_per_day"` // megabytes a day at most, 1..10,000
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

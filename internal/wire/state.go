package wire

import "time"

// State is how a board is, said when it connects, when something changes (at
// most every ten seconds) and every StateEvery. The last will is a State with
// Online false and nothing else but Contract and Boot.
type State struct {
	Contract   int              `json:"contract"`
	Online     bool             `json:"online"`
	Boot       string           `json:"boot"`
	At         time.Time        `json:"at"` // wall clock of the board, UTC
	Started    time.Time        `json:"started"`
	Clock      Clock            `json:"clock"`
	Epoch      string           `json:"epoch"`
	LastSeq    uint64           `json:"last_seq"` // newest record on the board
	Unsent     uint64           `json:"unsent"`   // records that the hub has not acknowledged
	Versions   Versions         `json:"versions"`
	Board      BoardState       `json:"board"`
	Model      *ModelState      `json:"model,omitempty"`
	Cameras    []CameraState    `json:"cameras"`
	Conditions []ConditionState `json:"conditions"`
	Store      StoreState       `json:"store"`
	Settings   map[string]any   `json:"settings,omitempty"` // in force, as package settings writes them
	Desired    DesiredState     `json:"desired"`
	Update     *UpdateState     `json:"update,omitempty"` // of the newest model that the hub wants
	BytesUp    uint64           `json:"bytes_up"`         // sent since Boot
	BytesDown  uint64           `json:"bytes_down"`       // received since Boot
}

// StateEvery is the pause between two states when nothing changes.
const StateEvery = 5 * time.Minute

// Versions of the programs of a board.
type Versions struct {
	Agent       string `json:"agent"`
	OnnxRuntime string `json:"onnxruntime,omitempty"`
	Preprocess  string `json:"preprocess,omitempty"`
}

// BoardState is the machine.
type BoardState struct {
	Arch        string  `json:"arch"`
	Profile     string  `json:"profile"`
	Temperature float64 `json:"temperature_c,omitempty"` // degrees Celsius, 0 = unknown
	FreeDisk    int64   `json:"free_disk_bytes,omitempty"`
	Memory      int64   `json:"memory_bytes,omitempty"` // resident, of the agent
}

// ModelState is what a board runs.
type ModelState struct {
	Bundle      string  `json:"bundle"`
	Name        string  `json:"name"`
	Variant     string  `json:"variant"`
	Provider    string  `json:"provider"`
	InferMillis float64 `json:"infer_ms"`
	TrainedOn   string  `json:"trained_on"`
}

// CameraState is one camera.
type CameraState struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Source  string     `json:"source"`             // kind only, never an address
	FrameAt *time.Time `json:"frame_at,omitempty"` // wall clock of the newest picture
	FPS     float64    `json:"frames_per_second"`
	Scored  uint64     `json:"scored"`
	Dropped uint64     `json:"dropped"`
}

// ConditionState is one thing that is not as it should be; its code has words
// in the catalogue of internal/web.
type ConditionState struct {
	Code     string            `json:"code"`
	Severity string            `json:"severity"` // "info", "warning", "serious"
	Subject  string            `json:"subject,omitempty"`
	Args     map[string]string `json:"args,omitempty"`
	Since    time.Time         `json:"since"`
}

// StoreState is what a board keeps.
type StoreState struct {
	Records      uint64 `json:"records"`
	Pictures     uint64 `json:"pictures"`
	PictureBytes int64  `json:"picture_bytes"`
	PictureQuota int64  `json:"picture_quota_bytes"`
	NotKept      uint64 `json:"not_kept"`
}

// Desired is what the hub wants a board to be. A board applies a Version once
// and reports what became of it.
type Desired struct {
	Contract int            `json:"contract"`
	Version  uint64         `json:"version"` // rises with every change; 0 = nothing is desired
	Name     string         `json:"name"`    // of the board for people
	Site     string         `json:"site"`
	Settings map[string]any `json:"settings,omitempty"` // those to change, as package settings writes them
	Model    *DesiredModel  `json:"model,omitempty"`    // nil = the hub has no opinion
	Pause    bool           `json:"pause,omitempty"`    // hold what is being downloaded
	// Root is the root of trust, as JSON text, for a board that has none: it
	// joined before there was one. A board that has one changes it by the rules
	// of TUF alone.
	Root string `json:"root,omitempty"`
}

// DesiredState is a board's answer to the newest Desired.
type DesiredState struct {
	Version uint64 `json:"version"`
	Error   string `json:"error,omitempty"` // why it was refused, "" when applied
}

// Summary counts an hour of a camera on the field clock, whether its records
// could be sent or not. An hour in which nothing came has a Summary too.
type Summary struct {
	Contract int               `json:"contract"`
	Epoch    string            `json:"epoch"`
	Hour     time.Time         `json:"hour"` // begin, UTC
	Cameras  map[string]Counts `json:"cameras"`
	NotKept  uint64            `json:"not_kept"`           // since Boot
	Sketches []CameraSketch    `json:"sketches,omitempty"` // what drift is told from
}

// CameraSketch is what package sketch sums up of the sightings of one camera in
// an hour that one model judged: scores of two models are not comparable.
type CameraSketch struct {
	Camera  string `json:"camera"`
	Model   string `json:"model"` // bundle id
	Variant string `json:"variant"`
	Data    []byte `json:"data"` // as sketch.Encode writes it
}

// Counts are numbers of sightings by verdict.
type Counts map[Verdict]uint64

// LogLines are the newest lines of a board's log at level warn and above.
type LogLines struct {
	Contract int       `json:"contract"`
	Lines    []LogLine `json:"lines"`
	Dropped  uint64    `json:"dropped"` // lines that found no room since Boot
}

// LogLine is one line of a log.
type LogLine struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"`
	Text  string    `json:"text"`
}

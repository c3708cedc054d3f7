package live

import (
	"time"

	"gourdian/agent/internal/settings"
	"gourdian/internal/wire"
)

// Camera is the newest state of one camera as the page shows it.
type Camera struct {
	ID         string
	Name       string
	Source     string // kind of source in words for people: "video", "rendered field"; never a password
	Finite     bool
	Finished   bool      // a finite source came to its end
	FrameSeq   uint64    // of JPEG; 0 = no frame yet
	FrameAt    time.Time // wall clock when the picture was taken; older than StaleAfter is never shown as live
	FieldAt    time.Time // field clock of that picture
	W, H       int
	FPS        float64
	Zones      []ZoneState
	LastSkip   string            // reason code of the newest skipped frame, "" when it was scored
	Skips      map[string]uint64 // by reason code since start
	Scored     uint64            // frames scored since start
	Dropped    uint64            // frames dropped, oldest first, because the board was busy
	WorkerNote string            // health code of the camera worker, "" when well
}

// ZoneState is what stands in one zone now.
type ZoneState struct {
	Zone          string
	Occupied      bool // a sighting is open
	Since         time.Time
	Frames        int
	Verdict       wire.Verdict
	Reason        wire.Reason
	Probabilities map[string]float64
	Novelty       float64
}

// Model is what the board runs.
type Model struct {
	ID          string // bundle id; the page shows the first 12 characters
	Name        string
	Task        string
	Classes     []ModelClass
	Variant     string
	VariantWhy  string         // reason code of choose.Reason
	Tried       []VariantTime  // what it was chosen from, empty where nothing was tried
	Provider    string         // obtained
	Asked       string         // asked for, several by commas in order of preference
	Missed      []ProviderMiss // wished for more than the one obtained
	Operators   map[string]int // of the network by the provider that runs them, empty where only the CPU can
	Library     string
	TrainedOn   string // "rendered", "photos", "mixed"
	Images      int    // training pictures
	Trust       string // "local", or "hub" where the hub has signed it
	Preprocess  string
	InferMillis float64 // median of the last frames
	WorkerNote  string  // health code of the inference worker, "" when well
	Restarts    int
	LoadedAt    time.Time
}

// VariantTime is how a variant of the model did on this board.
type VariantTime struct {
	Name   string
	Millis float64 // median of one inference, 0 where Passes is false
	Passes bool    // its golden frames
}

// ProviderMiss is an execution provider that was asked for and not obtained.
type ProviderMiss struct {
	Provider string
	Why      string
}

// ModelClass is a class with its names for people.
type ModelClass struct {
	Name   string
	Labels map[string]string // language to word: "en", "es"
}

// Condition is one thing that is not as it should be. Code is a key of the
// catalogue in internal/web ("health.<code>" and "health.<code>.do").
type Condition struct {
	Code     string
	Severity Severity
	Subject  string            // camera id, "" for the board
	Args     map[string]string // values for the text
	Since    time.Time
}

// Severity orders conditions.
type Severity int

// Severities.
const (
	Info Severity = iota
	Warning
	Serious
)

// State is one consistent picture of the board. It is a copy: safe to keep.
type State struct {
	Version    string
	Device     string
	Started    time.Time
	FieldNow   time.Time
	Clock      wire.Clock
	Cameras    []Camera
	Model      *Model // nil until the first one is ready
	Conditions []Condition
	Settings   settings.Settings
	Store      Store
	Link       *Link // nil while nothing is known of it
	Update     Update
	Heat       Heat
	Kind       Kind
	Revision   uint64 // rises with every change
}

// Heat is how warm the board is, and what that costs.
type Heat struct {
	Known   bool    // the board has a sensor that answers
	Celsius float64 // of the processor, where Known
	Rate    float64 // share of the frames per second that is left, 1 while it is cool
}

// Kind is which profile the board runs with.
type Kind struct {
	Profile     string // its name
	Description string // in English
}

// Store is the state of what is kept.
type Store struct {
	Records      uint64 // kept
	LastSeq      uint64 // of the newest record: all that were ever stored
	Pictures     uint64
	PictureBytes int64
	PictureQuota int64
	NotKept      uint64 // verdicts shown but not kept because the disk or quota was full
	Degraded     bool
}

package wire

import "time"

// Contract is the version of everything in this package that boards and hub
// exchange or keep on disk. Its history:
//
//	1  2026-11-24  records of sightings, verdicts, reasons, clock quality
//	2  2026-11-25  the link: batches, acknowledgements, states, summaries, samples, joining
//	3  2026-11-25  sketches of hours, for drift
const Contract = 3

// Verdict is what the board says of a sighting: for the task "grade" one of
// the constants below, for a custom task one of its class names or Unsure.
type Verdict string

// Verdicts of the task "grade".
const (
	Good       Verdict = "good"
	Regular    Verdict = "regular"
	Bad        Verdict = "bad"
	NotPumpkin Verdict = "not_pumpkin"
	Unsure     Verdict = "unsure"
)

// Reason says why a verdict is Unsure; it is empty for every other verdict.
type Reason string

// Reasons in the order in which the rules are applied.
const (
	ReasonQuality       Reason = "quality"        // blurred or dark
	ReasonNovel         Reason = "novel"          // unlike the training photos
	ReasonLowConfidence Reason = "low_confidence" // below its class's threshold
	ReasonDisagreement  Reason = "disagreement"   // the frames of one sighting contradict each other
)

// Clock says how far a board's time can be trusted.
type Clock string

// Clock qualities.
const (
	ClockSynced    Clock = "synced"
	ClockEstimated Clock = "estimated"
	ClockUnknown   Clock = "unknown"
)

// Record is one sighting as stored on the board and sent to the hub.
// (Device, Epoch, Seq) names it for ever.
type Record struct {
	Device        string             `json:"device"`      // made at first start, survives joining
	Epoch         string             `json:"epoch"`       // new and random for each empty store
	Seq           uint64             `json:"seq"`         // from 1, without gaps within an epoch
	Boot          string             `json:"boot"`        // new and random for each start of the agent
	CapturedAt    time.Time          `json:"captured_at"` // field clock, arrival of the sighting, UTC
	WallAt        time.Time          `json:"wall_at"`     // wall clock at that moment, UTC
	Clock         Clock              `json:"clock"`
	Camera        string             `json:"camera"`
	Zone          string             `json:"zone"`    // empty = the largest centred square
	Frames        int                `json:"frames"`  // frames that voted, at least 1
	Seconds       float64            `json:"seconds"` // field time from arrival to change
	Model         string             `json:"model"`   // bundle id
	Preprocess    string             `json:"preprocess"`
	Variant       string             `json:"variant"`
	Probabilities map[string]float64 `json:"probabilities"` // class to calibrated probability, mean over the voting frames
	Novelty       float64            `json:"novelty"`       // cosine distance to the nearest training photos, 0..2
	Verdict       Verdict            `json:"verdict"`
	Reason        Reason             `json:"reason,omitempty"`
	Image         string             `json:"image,omitempty"` // SHA-256 of the JPEG in lower-case hex, empty where none is kept
}

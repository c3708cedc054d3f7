package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Limits of models on their way to a board.
const (
	MaxAsk        = 32       // names in one Ask
	MaxRoot       = 32 << 10 // bytes of a root of trust
	MaxModelBytes = 256 << 20
)

// DesiredModel is the model that the hub wants a board to run. Nothing is
// believed of it: what may run is what the signed metadata names.
type DesiredModel struct {
	Bundle  string `json:"bundle"`            // id: SHA-256 of its manifest; "" with Release
	Rollout string `json:"rollout"`           // what a board refused once, it does not try again for the same one
	Reason  string `json:"reason,omitempty"`  // for people
	Release bool   `json:"release,omitempty"` // let go of the hub's model: run again what the board had of its own
}

// Ask asks for signed metadata by name and for pieces of models by hash.
type Ask struct {
	Contract int      `json:"contract"`
	Metadata []string `json:"metadata,omitempty"` // "timestamp.json", "3.root.json", …
	Chunks   []string `json:"chunks,omitempty"`   // SHA-256 of a piece, or of a list of pieces
}

// ChunkHeader starts a frame on TopicChunk: an answer to one name of an Ask, or
// a part of it where it has more than MaxChunk bytes.
type ChunkHeader struct {
	Contract int    `json:"contract"`
	Metadata string `json:"metadata,omitempty"` // the name that was asked for, or
	Chunk    string `json:"chunk,omitempty"`    // the hash
	Offset   int64  `json:"offset,omitempty"`   // of the body in the whole
	Total    int64  `json:"total,omitempty"`    // bytes of the whole
	Missing  bool   `json:"missing,omitempty"`  // the hub has nothing of that name
}

// UpdateStage is how far a board is with a model.
type UpdateStage string

// Stages, in their order; the last three are ends.
const (
	StageWaiting     UpdateStage = "waiting"
	StageDownloading UpdateStage = "downloading"
	StageStaged      UpdateStage = "staged"
	StageTesting     UpdateStage = "testing"
	StageShadow      UpdateStage = "shadow"
	StageSoaking     UpdateStage = "soaking"
	StageCommitted   UpdateStage = "committed"
	StageRefused     UpdateStage = "refused"
	StageRolledBack  UpdateStage = "rolled_back"
)

// UpdateStep is the check that stopped a model.
type UpdateStep string

// Steps.
const (
	StepSignature  UpdateStep = "signature"
	StepExpired    UpdateStep = "expired"
	StepHash       UpdateStep = "hash"
	StepFormat     UpdateStep = "format"
	StepPreprocess UpdateStep = "preprocess"
	StepGolden     UpdateStep = "golden"
	StepSpeed      UpdateStep = "speed"
	StepShadow     UpdateStep = "shadow"
	StepSoak       UpdateStep = "soak"
	StepDisk       UpdateStep = "disk"
)

// UpdateState is how a board does with the newest DesiredModel.
type UpdateState struct {
	Bundle      string       `json:"bundle"`
	Rollout     string       `json:"rollout"`
	Stage       UpdateStage  `json:"stage"`
	Step        UpdateStep   `json:"step,omitempty"` // which check stopped it
	Why         string       `json:"why,omitempty"`
	DoneBytes   int64        `json:"done_bytes"`
	TotalBytes  int64        `json:"total_bytes"`
	ReusedBytes int64        `json:"reused_bytes"` // of the total, which the board had already
	Shadow      *ShadowState `json:"shadow,omitempty"`
	At          time.Time    `json:"at"`
}

// ShadowState is what scoring the same frames by both models gave.
type ShadowState struct {
	Frames  uint64  `json:"frames"`
	Agree   uint64  `json:"agree"` // of them, with the same verdict
	Seconds float64 `json:"seconds"`
}

// metadataName is what a name of signed metadata looks like.
var metadataName = regexp.MustCompile(`^(timestamp|[1-9][0-9]{0,17}\.(root|snapshot|targets))\.json$`)

// DecodeAsk reads an Ask.
func DecodeAsk(data []byte) (Ask, error) { return decode[Ask]("ask", data, MaxPacket) }

// DecodeChunk reads a message of TopicChunk: its header and its body, which is
// a part of frame.
func DecodeChunk(frame []byte) (ChunkHeader, []byte, error) {
	var h ChunkHeader
	body, err := DecodeFrame(frame, &h)
	if err == nil {
		err = h.check(len(body))
	}
	if err != nil {
		return ChunkHeader{}, nil, fmt.Errorf("%w: chunk: %w", ErrMessage, err)
	}
	return h, body, nil
}

func (a *Ask) check() error {
	n := len(a.Metadata) + len(a.Chunks)
	err := errors.Join(checkContract(a.Contract), checkThat(n >= 1 && n <= MaxAsk, "%d names, allowed are 1 to %d", n, MaxAsk))
	for _, name := range a.Metadata {
		err = errors.Join(err, checkMetadataName(name))
	}
	for _, hash := range a.Chunks {
		err = errors.Join(err, checkHash("chunks", hash))
	}
	return err
}

func checkMetadataName(name string) error {
	return checkThat(metadataName.MatchString(name), "metadata: %.80q is no name", name)
}

// check looks at a header with a body of so many bytes.
func (h *ChunkHeader) check(body int) error {
	err := errors.Join(checkContract(h.Contract), checkThat((h.Metadata == "") != (h.Chunk == ""), "either metadata or a piece"))
	if h.Metadata != "" {
		err = errors.Join(err, checkMetadataName(h.Metadata))
	} else {
		err = errors.Join(err, checkHash("chunk", h.Chunk))
	}
	if h.Missing {
		return errors.Join(err, checkThat(body == 0 && h.Total == 0 && h.Offset == 0, "what is missing has bytes"))
	}
	return errors.Join(err,
		checkThat(h.Total >= 1 && h.Total <= MaxModelBytes, "total: %d bytes", h.Total),
		checkThat(body >= 1 && body <= MaxChunk, "a piece of %d bytes, allowed are 1 to %d", body, MaxChunk),
		checkThat(h.Offset >= 0 && h.Offset <= h.Total-int64(body), "offset: %d and %d bytes of %d", h.Offset, body, h.Total))
}

func (d *DesiredModel) check() error {
	err := errors.Join(checkID("model: rollout", d.Rollout), checkText("model: reason", d.Reason, MaxText))
	if d.Release && d.Bundle == "" {
		return err
	}
	return errors.Join(err, checkHash("model: bundle", d.Bundle))
}

func (u *UpdateState) check() error {
	err := errors.Join(
		checkThat(u.Bundle == "" || checkHash("", u.Bundle) == nil, "update: bundle: not a SHA-256 in lower-case hex"),
		checkID("update: rollout", u.Rollout),
		checkID("update: stage", string(u.Stage)),
		checkOptionalID("update: step", string(u.Step)),
		checkText("update: why", u.Why, MaxText),
		checkThat(u.DoneBytes >= 0 && u.TotalBytes >= 0 && u.ReusedBytes >= 0 && u.TotalBytes <= MaxModelBytes && u.DoneBytes <= MaxModelBytes &&
			u.ReusedBytes <= MaxModelBytes, "update: %d of %d bytes, %d reused", u.DoneBytes, u.TotalBytes, u.ReusedBytes),
		checkTime("update: at", u.At),
	)
	if s := u.Shadow; s != nil {
		err = errors.Join(err, checkThat(s.Agree <= s.Frames && s.Frames <= maxSeq, "update: %d of %d frames agree", s.Agree, s.Frames),
			checkWithin("update: shadow: seconds", s.Seconds, MaxSeconds))
	}
	return err
}

// checkRoot allows none. Whether it can be trusted is not this package's to say.
func checkRoot(text string) error {
	return checkThat(text == "" || len(text) <= MaxRoot && json.Valid([]byte(text)), "root: %d bytes, at most %d of JSON", len(text), MaxRoot)
}

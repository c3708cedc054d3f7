package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Sample is one picture that a board offers for learning.
type Sample struct {
	Hash       string    `json:"hash"`  // SHA-256 of the JPEG in lower-case hex: its name for ever
	Bytes      int64     `json:"bytes"` // of the JPEG, 1..MaxSampleBytes
	Epoch      string    `json:"epoch"`
	Seq        uint64    `json:"seq"` // of its record
	CapturedAt time.Time `json:"captured_at"`
	Camera     string    `json:"camera"`
	Zone       string    `json:"zone"`
	Why        SampleWhy `json:"why"`
	Worth      float64   `json:"worth"`                // 0..1, which to send first
	Verdict    Verdict   `json:"verdict"`              // the board's
	Correction Verdict   `json:"correction,omitempty"` // the farmer's, "" = none
}

// SampleWhy says why a picture is worth learning from.
type SampleWhy string

// Reasons.
const (
	WhyUnsure     SampleWhy = "unsure"
	WhyNotPumpkin SampleWhy = "not_pumpkin"
	WhyRandom     SampleWhy = "random"     // an honest share of everything
	WhyCorrection SampleWhy = "correction" // the farmer said that the verdict is wrong
)

// SampleHeader starts a frame on TopicSamples: an offer without a body, a
// piece of a picture that the hub wants, or that a picture was erased.
type SampleHeader struct {
	Contract int     `json:"contract"`
	Offer    *Sample `json:"offer,omitempty"`
	Hash     string  `json:"hash,omitempty"`   // of the picture that the body is a piece of
	Offset   int64   `json:"offset,omitempty"` // of the body in the picture
	Total    int64   `json:"total,omitempty"`  // bytes of the picture
	Erased   bool    `json:"erased,omitempty"` // the board has the picture Hash no more
}

// Want is the hub's answer to offers and pieces.
type Want struct {
	Contract int    `json:"contract"`
	Hash     string `json:"hash"`
	Offset   int64  `json:"offset"`           // send from here; = the picture's size: it is complete
	Refuse   string `json:"refuse,omitempty"` // why the hub doesn't want it, "" = it does
	// Erase, with Refuse, says that somebody deleted the picture: the board takes
	// its copy away and answers with Erased. It may come at any time.
	Erase bool `json:"erase,omitempty"`
}

// EraseSince is the Contract with which boards understand Want.Erase.
const EraseSince = 4

// ErrFrame is wrapped by every error of DecodeFrame.
var ErrFrame = errors.New("bad frame")

// EncodeFrame puts a JSON header before body: its length (uint32, big-endian),
// the header, the body.
func EncodeFrame(header any, body []byte) ([]byte, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	frame := make([]byte, 0, 4+len(h)+len(body))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(h)))
	frame = append(frame, h...)
	return append(frame, body...), nil
}

// DecodeFrame reads the header of a frame into header and returns its body,
// which is a part of frame.
func DecodeFrame(frame []byte, header any) (body []byte, err error) {
	if len(frame) < 4 || len(frame) > MaxPacket {
		return nil, fmt.Errorf("%w: %d bytes", ErrFrame, len(frame))
	}
	n := binary.BigEndian.Uint32(frame)
	if uint64(n) > uint64(len(frame)-4) {
		return nil, fmt.Errorf("%w: a header of %d bytes in %d", ErrFrame, n, len(frame))
	}
	if err := json.Unmarshal(frame[4:4+n], header); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return frame[4+n:], nil
}

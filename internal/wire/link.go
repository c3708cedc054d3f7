package wire

import "encoding/json"

// Limits of the link.
const (
	MaxPacket       = 256 << 10 // bytes of one MQTT message
	MaxBatchRecords = 500
	MaxBatchBytes   = 192 << 10 // of a Batch as JSON
	MaxChunk        = 64 << 10  // bytes of a piece of a picture or a model
	MaxSampleBytes  = 8 << 20   // of a picture
	MaxText         = 500       // bytes of a text from a board
	MaxCameras      = 16
	MaxConditions   = 64
	MaxLogLines     = 200
	MaxSketches     = 3 * MaxCameras // of an hour: models may change within it
	MaxSketch       = 3 << 10        // bytes of one, as package sketch writes it
)

// Batch carries records in the order of their numbers, without gaps: the n-th
// one has the number First+n. A record stays raw, so that one which can't be
// read is refused alone. All are of Epoch.
type Batch struct {
	Contract int               `json:"contract"`
	Epoch    string            `json:"epoch"`
	First    uint64            `json:"first"`
	Records  []json.RawMessage `json:"records"`
	// Oldest is the number of the oldest record that the board still has, 0 =
	// unknown. A hub that misses records below it will never get them: it may
	// acknowledge across that gap, and across no other one.
	Oldest uint64 `json:"oldest,omitempty"`
}

// Ack says up to where the hub has committed (or put away for good) the
// records of Epoch. A board forgets nothing above Through, and sends again from
// there when Through went back: the hub was restored from a backup.
type Ack struct {
	Contract int         `json:"contract"`
	Epoch    string      `json:"epoch"`
	Through  uint64      `json:"through"`
	Rejected []Rejection `json:"rejected,omitempty"`
}

// Rejection is one record that the hub didn't take.
type Rejection struct {
	Seq    uint64      `json:"seq"`
	Reason string      `json:"reason"` // for the log, at most MaxText bytes
	Do     RejectionDo `json:"do"`
}

// RejectionDo is what the board shall do with a rejected record.
type RejectionDo string

// What to do. A quarantined record counts into Ack.Through: it never blocks
// those behind it. A retried one does not.
const (
	Retry      RejectionDo = "retry"
	Quarantine RejectionDo = "quarantine"
)

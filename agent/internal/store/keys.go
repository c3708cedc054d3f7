package store

import (
	"encoding/binary"
	"fmt"

	"gourdian/internal/quality"
)

// The first byte of a key says what it names. Numbers are big-endian, so that
// Badger's order of keys is the order of numbers.
const (
	kindRecord     = 'r' // epoch, sequence number -> version byte, wire.Record as JSON
	kindCorrection = 'c' // epoch, sequence number -> version byte, Correction as JSON
	kindDay        = 'd' // 2006-01-02 -> version byte, storedDay as JSON
	kindHour       = 'h' // 2006-01-02T15 UTC -> version byte, storedHour as JSON
	kindPicture    = 'p' // hash -> shelved
	kindShelf      = 's' // worth, sequence number, hash -> shelved: pictures in order of value
	kindSample     = 'o' // epoch, sequence number -> version byte, Sample as JSON: a picture chosen for the hub
	kindErrand     = 'q' // epoch, sequence number -> nothing: of this record's picture the hub is to be told
	kindMeta       = 'm' // a name -> its value
)

// Names under kindMeta.
const (
	metaFormat      = "format"       // one byte, format
	metaEpoch       = "epoch"        // text
	metaRecordBytes = "record_bytes" // of all records' values, 8 bytes
	metaFirst       = "first"        // number of the oldest record, 8 bytes; none = 1
	metaAcked       = "acked"        // up to where the hub has the records, 8 bytes
	metaQuarantine  = "quarantine"   // version byte, Quarantine as JSON
	metaSampled     = "sampled"      // up to here pictures were chosen for the hub, 8 bytes
	metaSettings    = "settings"     // JSON, written by package settings
	metaLink        = "link"         // JSON, written by package uplink
)

// format is the version of the whole layout; its history:
//
//	1  2026-11-24  records, corrections, days, pictures by worth
//	2  2026-11-25  outbox: acknowledged and oldest number; hours by camera
//	3  2026-11-25  pictures for the hub; how a picture looks
const format = 3

// valueVersion starts every JSON value, so that a later form can be told apart.
const valueVersion = 1

const hashSize = 32

// hash is the SHA-256 of a picture's bytes.
type hash [hashSize]byte

func metaKey(name string) []byte { return append([]byte{kindMeta}, name...) }

func dayKey(date string) []byte { return append([]byte{kindDay}, date...) }

func hourKey(hour string) []byte { return append([]byte{kindHour}, hour...) }

func numbered(kind byte, epoch string, seq uint64) []byte {
	key := append([]byte{kind}, epoch...)
	return binary.BigEndian.AppendUint64(key, seq)
}

func pictureKey(h hash) []byte { return append([]byte{kindPicture}, h[:]...) }

// shelved is where a picture stands in the order of value.
type shelved struct {
	worth worth
	seq   uint64              // of the newest record that shows it; 0 = no record known
	size  int64               // bytes
	print quality.Fingerprint // of the zone that its record is about; 0 = unknown
}

func (p shelved) key(h hash) []byte {
	key := binary.BigEndian.AppendUint64([]byte{kindShelf, byte(p.worth)}, p.seq)
	return append(key, h[:]...)
}

func (p shelved) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{byte(p.worth)}, p.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(p.size))
	return binary.BigEndian.AppendUint64(b, uint64(p.print))
}

func decodeShelved(b []byte) (shelved, error) {
	if len(b) != 17 && len(b) != 25 || worth(b[0]) >= worths { // 17: of a store before format 3
		return shelved{}, fmt.Errorf("a picture's entry of %d bytes is damaged", len(b))
	}
	p := shelved{
		worth: worth(b[0]),
		seq:   binary.BigEndian.Uint64(b[1:]),
		size:  int64(binary.BigEndian.Uint64(b[9:])),
	}
	if len(b) > 17 {
		p.print = quality.Fingerprint(binary.BigEndian.Uint64(b[17:]))
	}
	return p, nil
}

// decodeShelfKey takes the hash out of a key made by shelved.key.
func decodeShelfKey(key []byte) (hash, error) {
	if len(key) != 2+8+hashSize || key[0] != kindShelf {
		return hash{}, fmt.Errorf("a shelf key of %d bytes is damaged", len(key))
	}
	return hash(key[10:]), nil
}

package onnxgraph

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits of what Decode accepts. The largest backbone of the catalogue has
// 19 MB and about 500 messages and values per megabyte of structure.
const (
	// MaxFile is the largest file in bytes.
	MaxFile = 256 << 20
	// maxElements bounds nested messages, strings and unpacked numbers of one
	// file together: each costs far more memory than its two bytes on the wire.
	maxElements = 1 << 18
)

// ErrMalformed is wrapped by every error of Decode.
var ErrMalformed = errors.New("malformed ONNX")

// message is one protobuf message as the codec sees it.
type message interface {
	// fields lists the typed fields in the order in which a new message is
	// written.
	fields() []field
	layout() *Layout
}

// field binds a field number to a typed value. target is one of *string,
// *[]string, *[]byte, *[][]byte, *int64, *[]int64, *float32, *[]float32 or a
// messages list.
type field struct {
	number protowire.Number
	target any
	// always writes a scalar even when it is zero: protobuf 2 tells zero from
	// absent, and some fields (an attribute's value) must be there.
	always bool
}

// messages is a list of nested messages, or an optional single one.
type messages interface {
	count() int
	at(i int) message
	add() message
	single() bool
}

// Layout is how a decoded message stood in its file: the order of its fields
// and the fields that this package has no type for. The zero Layout belongs to
// a new message.
type Layout struct {
	decoded bool
	order   []occurrence
	unknown [][]byte // tag and value
}

// occurrence is one field on the wire.
type occurrence struct {
	number  protowire.Number
	packed  int // values in it if it was packed, else -1
	unknown bool
}

// decoder holds the budget of one file.
type decoder struct {
	elements int
}

func (d *decoder) spend(n int) error {
	d.elements += n
	if d.elements > maxElements {
		return fmt.Errorf("%w: more than %d messages and values", ErrMalformed, maxElements)
	}
	return nil
}

// decode fills m from b. Byte slices of m share b's memory.
func (d *decoder) decode(b []byte, m message) error {
	if err := d.spend(1); err != nil {
		return err
	}
	fields, keep := m.fields(), m.layout()
	keep.decoded = true
	var seen uint64 // one bit per field number; every typed field has one below 64
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		target := find(fields, number)
		if target == nil {
			size := protowire.ConsumeFieldValue(number, kind, b[n:])
			if size < 0 {
				return fmt.Errorf("%w: field %d: %w", ErrMalformed, number, protowire.ParseError(size))
			}
			if err := d.spend(1); err != nil {
				return err
			}
			keep.unknown = append(keep.unknown, b[:n+size])
			keep.order = append(keep.order, occurrence{number: number, packed: -1, unknown: true})
			b = b[n+size:]
			continue
		}
		if isSingle(target) && seen&(1<<number) != 0 {
			return fmt.Errorf("%w: field %d given twice", ErrMalformed, number)
		}
		seen |= 1 << number
		size, packed, err := d.value(b[n:], kind, target)
		if err != nil {
			return fmt.Errorf("field %d: %w", number, err)
		}
		keep.order = append(keep.order, occurrence{number: number, packed: packed})
		b = b[n+size:]
	}
	return nil
}

func find(fields []field, number protowire.Number) any {
	for i := range fields {
		if fields[i].number == number {
			return fields[i].target
		}
	}
	return nil
}

func isSingle(target any) bool {
	switch t := target.(type) {
	case *string, *[]byte, *int64, *float32:
		return true
	case messages:
		return t.single()
	}
	return false
}

// value reads one field's value into target. It returns the bytes read and,
// for a packed field, the number of values in it (else -1).
func (d *decoder) value(b []byte, kind protowire.Type, target any) (size, packed int, err error) {
	switch kind {
	case protowire.VarintType:
		return d.varint(b, target)
	case protowire.Fixed32Type:
		return d.fixed32(b, target)
	case protowire.BytesType:
		body, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return 0, -1, fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		packed, err = d.bytes(body, target)
		return n, packed, err
	}
	return 0, -1, wrongType(kind)
}

func wrongType(kind protowire.Type) error {
	return fmt.Errorf("%w: unexpected wire type %d", ErrMalformed, kind)
}

func (d *decoder) varint(b []byte, target any) (int, int, error) {
	v, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return 0, -1, fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
	}
	switch t := target.(type) {
	case *int64:
		*t = int64(v)
	case *[]int64:
		if err := d.spend(1); err != nil {
			return 0, -1, err
		}
		*t = append(*t, int64(v))
	default:
		return 0, -1, wrongType(protowire.VarintType)
	}
	return n, -1, nil
}

func (d *decoder) fixed32(b []byte, target any) (int, int, error) {
	v, n := protowire.ConsumeFixed32(b)
	if n < 0 {
		return 0, -1, fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
	}
	switch t := target.(type) {
	case *float32:
		*t = floatFromBits(v)
	case *[]float32:
		if err := d.spend(1); err != nil {
			return 0, -1, err
		}
		*t = append(*t, floatFromBits(v))
	default:
		return 0, -1, wrongType(protowire.Fixed32Type)
	}
	return n, -1, nil
}

func (d *decoder) bytes(body []byte, target any) (packed int, err error) {
	switch t := target.(type) {
	case *string:
		*t = string(body)
	case *[]byte:
		*t = body
	case *[]string:
		*t = append(*t, string(body))
		err = d.spend(1)
	case *[][]byte:
		*t = append(*t, body)
		err = d.spend(1)
	case *[]int64:
		return d.packedInts(body, t)
	case *[]float32:
		return packedFloats(body, t)
	case messages:
		err = d.decode(body, t.add())
	default:
		err = wrongType(protowire.BytesType)
	}
	return -1, err
}

func (d *decoder) packedInts(body []byte, t *[]int64) (int, error) {
	count := 0
	for len(body) > 0 {
		v, n := protowire.ConsumeVarint(body)
		if n < 0 {
			return 0, fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		if err := d.spend(1); err != nil {
			return 0, err
		}
		*t = append(*t, int64(v))
		body, count = body[n:], count+1
	}
	return count, nil
}

// packedFloats costs no budget: the values are as large as their bytes.
func packedFloats(body []byte, t *[]float32) (int, error) {
	if len(body)%4 != 0 {
		return 0, fmt.Errorf("%w: %d bytes of packed floats", ErrMalformed, len(body))
	}
	count := len(body) / 4
	for len(body) > 0 {
		v, _ := protowire.ConsumeFixed32(body)
		*t = append(*t, floatFromBits(v))
		body = body[4:]
	}
	return count, nil
}

// unknownOnly is the order without the typed fields, which then are written in
// the order of fields().
func (l *Layout) unknownOnly() []occurrence {
	var order []occurrence
	for _, o := range l.order {
		if o.unknown {
			order = append(order, o)
		}
	}
	return order
}

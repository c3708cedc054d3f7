package onnxgraph

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

func floatFromBits(v uint32) float32 { return math.Float32frombits(v) }

// rope is encoded bytes in parts, so that weights are copied once, at the end.
type rope struct {
	parts [][]byte
	size  int
}

func (r *rope) add(parts ...[]byte) {
	for _, part := range parts {
		r.parts = append(r.parts, part)
		r.size += len(part)
	}
}

func (r *rope) bytes() []byte {
	b := make([]byte, 0, r.size)
	for _, part := range r.parts {
		b = append(b, part...)
	}
	return b
}

// encode writes a message: first its fields as they stood when it was decoded,
// each added value behind the last old one of its field, then the fields that
// were not there, in the order of fields().
func encode(m message) *rope {
	out := new(rope)
	fields, keep := m.fields(), m.layout()
	next := make(map[protowire.Number]int, len(fields)) // values written so far
	last := make(map[protowire.Number]int, len(fields)) // place of a field's last occurrence
	for i, o := range keep.order {
		if !o.unknown {
			last[o.number] = i
		}
	}
	unknown := 0
	for i, o := range keep.order {
		if o.unknown {
			out.add(keep.unknown[unknown])
			unknown++
			continue
		}
		f := fieldOf(fields, o.number)
		from := next[o.number]
		to := min(from+max(o.packed, 1), length(f.target))
		if o.packed == 0 {
			to = from
		}
		emit(out, f, from, to, o.packed >= 0)
		next[o.number] = to
		if last[o.number] == i {
			emitRest(out, f, to)
		}
	}
	for _, f := range fields {
		if _, written := last[f.number]; written {
			continue
		}
		if (f.always && !keep.decoded) || !isZero(f.target) {
			emitRest(out, f, 0)
		}
	}
	return out
}

func fieldOf(fields []field, number protowire.Number) field {
	for _, f := range fields {
		if f.number == number {
			return f
		}
	}
	panic("onnxgraph: a layout names a field that its message has not")
}

// emitRest writes the values from index from on, each by itself, except floats,
// which ONNX packs.
func emitRest(out *rope, f field, from int) {
	if values, ok := f.target.(*[]float32); ok {
		if from < len(*values) {
			emit(out, f, from, len(*values), true)
		}
		return
	}
	for n := length(f.target); from < n; from++ {
		emit(out, f, from, from+1, false)
	}
}

// length is the number of values that a field may write.
func length(target any) int {
	switch t := target.(type) {
	case *[]string:
		return len(*t)
	case *[][]byte:
		return len(*t)
	case *[]int64:
		return len(*t)
	case *[]float32:
		return len(*t)
	case messages:
		return t.count()
	}
	return 1
}

func isZero(target any) bool {
	switch t := target.(type) {
	case *string:
		return *t == ""
	case *[]byte:
		return len(*t) == 0
	case *int64:
		return *t == 0
	case *float32:
		return math.Float32bits(*t) == 0
	}
	return length(target) == 0
}

// emit writes the values [from, to) of one field: one value, or several packed.
func emit(out *rope, f field, from, to int, packed bool) {
	if from >= to && !packed {
		return
	}
	switch t := f.target.(type) {
	case *string:
		out.add(withLength(f.number, len(*t)), []byte(*t))
	case *[]byte:
		out.add(withLength(f.number, len(*t)), *t)
	case *[]string:
		out.add(withLength(f.number, len((*t)[from])), []byte((*t)[from]))
	case *[][]byte:
		out.add(withLength(f.number, len((*t)[from])), (*t)[from])
	case *int64:
		out.add(varint(f.number, *t))
	case *float32:
		out.add(fixed32(f.number, *t))
	case *[]int64:
		emitInts(out, f.number, (*t)[from:to], packed)
	case *[]float32:
		emitFloats(out, f.number, (*t)[from:to], packed)
	case messages:
		inner := encode(t.at(from))
		out.add(withLength(f.number, inner.size))
		out.add(inner.parts...)
	}
}

func emitInts(out *rope, number protowire.Number, values []int64, packed bool) {
	if !packed {
		out.add(varint(number, values[0]))
		return
	}
	var body []byte
	for _, v := range values {
		body = protowire.AppendVarint(body, uint64(v))
	}
	out.add(withLength(number, len(body)), body)
}

func emitFloats(out *rope, number protowire.Number, values []float32, packed bool) {
	if !packed {
		out.add(fixed32(number, values[0]))
		return
	}
	body := make([]byte, 0, 4*len(values))
	for _, v := range values {
		body = protowire.AppendFixed32(body, math.Float32bits(v))
	}
	out.add(withLength(number, len(body)), body)
}

func withLength(number protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.BytesType), uint64(n))
}

func varint(number protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(v))
}

func fixed32(number protowire.Number, v float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, number, protowire.Fixed32Type), math.Float32bits(v))
}

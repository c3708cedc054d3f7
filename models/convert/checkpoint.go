package convert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// MaxCheckpoint is the largest checkpoint that ReadCheckpoint takes, in bytes.
const MaxCheckpoint = 256 << 20

// formatVersion is PyTorch's number of the older format.
const formatVersion = 1001

// magic is the first pickle of the older format: the integer
// 0x1950a86a20f9469cfc6c, little endian, as protocol 2 writes it.
const magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// Checkpoint is the tensors of a PyTorch checkpoint by name.
type Checkpoint struct {
	tensors  map[string]*tensor
	storages map[string][]byte // raw little-endian values
}

// ReadCheckpoint reads a checkpoint in PyTorch's older format: pickles of a
// magic number, a version, the writer's system, the state dict and the list of
// storage keys, then for every key its number of values and the values. It
// shares b's memory, never panics and wraps ErrCheckpoint.
func ReadCheckpoint(b []byte) (*Checkpoint, error) {
	if len(b) > MaxCheckpoint {
		return nil, fmt.Errorf("read checkpoint: %w: %d bytes, the limit is %d", ErrCheckpoint, len(b), MaxCheckpoint)
	}
	if !bytes.HasPrefix(b, []byte(magic)) {
		return nil, fmt.Errorf("read checkpoint: %w: not in PyTorch's older format", ErrCheckpoint)
	}
	in := bytes.NewReader(b[len(magic):])
	var parts [4]any // version, system, state, keys
	for i := range parts {
		part, err := unpickle(in)
		if err != nil {
			return nil, fmt.Errorf("read checkpoint: pickle %d: %w", i+1, err)
		}
		parts[i] = part
	}
	if parts[0] != int64(formatVersion) {
		return nil, fmt.Errorf("read checkpoint: %w: not format %d", ErrCheckpoint, formatVersion)
	}
	if !littleEndian(parts[1]) {
		return nil, fmt.Errorf("read checkpoint: %w: not written by a little-endian machine", ErrCheckpoint)
	}
	c := &Checkpoint{tensors: make(map[string]*tensor), storages: make(map[string][]byte)}
	if err := c.takeState(parts[2]); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if err := c.takeStorages(parts[3], b[len(b)-in.Len():]); err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	return c, nil
}

func littleEndian(system any) bool {
	d, ok := system.(*dict)
	return ok && slices.ContainsFunc(d.items, func(it item) bool {
		return it.key == "little_endian" && it.value == true
	})
}

func (c *Checkpoint) takeState(state any) error {
	d, ok := state.(*dict)
	if !ok {
		return fmt.Errorf("%w: no state dict", ErrCheckpoint)
	}
	for _, it := range d.items {
		name, isName := it.key.(string)
		t, isTensor := it.value.(*tensor)
		if !isName || !isTensor {
			return fmt.Errorf("%w: the state dict holds something that is no tensor", ErrCheckpoint)
		}
		c.tensors[name] = t
	}
	return nil
}

// takeStorages reads the values behind the pickles, which must fill the rest.
func (c *Checkpoint) takeStorages(keys any, rest []byte) error {
	order, ok := keys.(*list)
	if !ok {
		return fmt.Errorf("%w: no list of storages", ErrCheckpoint)
	}
	sizes := make(map[string]uint64)
	for _, t := range c.tensors {
		sizes[t.storage.key] = elementSize(t.storage.kind)
	}
	for _, k := range order.items {
		key, isText := k.(string)
		size := sizes[key]
		if !isText || size == 0 || c.storages[key] != nil {
			return fmt.Errorf("%w: storage %q belongs to no tensor or comes twice", ErrCheckpoint, key)
		}
		if len(rest) < 8 {
			return fmt.Errorf("%w: it ends before storage %s", ErrCheckpoint, key)
		}
		count := binary.LittleEndian.Uint64(rest)
		rest = rest[8:]
		if count > uint64(len(rest))/size {
			return fmt.Errorf("%w: it ends within storage %s of %d values", ErrCheckpoint, key, count)
		}
		c.storages[key] = rest[: count*size : count*size]
		rest = rest[count*size:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last storage", ErrCheckpoint, len(rest))
	}
	return nil
}

func elementSize(kind global) uint64 {
	switch kind {
	case globalFloat:
		return 4
	case globalLong:
		return 8
	}
	return 0
}

// Floats returns a copy of a float32 tensor's values in row-major order,
// whatever its strides are. The tensor must have the given shape.
func (c *Checkpoint) Floats(name string, shape ...int64) ([]float32, error) {
	t := c.tensors[name]
	if t == nil {
		return nil, fmt.Errorf("%w: no tensor %q", ErrCheckpoint, name)
	}
	if t.storage.kind != globalFloat || !slices.Equal(t.size, shape) {
		return nil, fmt.Errorf("%w: tensor %q is %s %v, not float32 %v", ErrCheckpoint, name, t.storage.kind, t.size, shape)
	}
	raw := c.storages[t.storage.key]
	count, err := t.count(int64(len(raw) / 4))
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", name, err)
	}
	values := make([]float32, count)
	index := make([]int64, len(t.size))
	at := t.offset
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*at:]))
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += t.stride[d]
			if index[d] < t.size[d] {
				break
			}
			at -= index[d] * t.stride[d]
			index[d] = 0
		}
	}
	return values, nil
}

// count is the number of values of a tensor, after checking that all of them
// lie within a storage of the given length.
func (t *tensor) count(stored int64) (int64, error) {
	n, last := int64(1), t.offset
	for d, size := range t.size {
		stride := t.stride[d]
		// No view here is larger than its storage, so nothing overflows.
		if size < 1 || size > stored || stride < 0 || stride > stored || n > stored/size {
			return 0, fmt.Errorf("%w: size %v and strides %v in %d values", ErrCheckpoint, t.size, t.stride, stored)
		}
		n *= size
		last += (size - 1) * stride
		if last >= stored {
			return 0, fmt.Errorf("%w: size %v and strides %v reach beyond %d values", ErrCheckpoint, t.size, t.stride, stored)
		}
	}
	if t.offset < 0 || last >= stored {
		return 0, fmt.Errorf("%w: offset %d in %d values", ErrCheckpoint, t.offset, stored)
	}
	return n, nil
}

package convert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCheckpoint is wrapped by every error about a checkpoint's bytes.
var ErrCheckpoint = errors.New("bad checkpoint")

// Limits of one pickle. The checkpoint of EfficientNet-Lite0 takes 10,700
// operations and texts of at most 40 bytes.
const (
	maxOperations = 1 << 20
	maxText       = 4 << 10
)

// Values that an unpickler builds, besides nil, bool, int64 and string.
type (
	tuple []any
	list  struct{ items []any }
	// dict keeps the order of its items; keys are not made unique.
	dict struct{ items []item }
	item struct{ key, value any }
	// global is a name of Python that a pickle may refer to.
	global string
	// storage is a run of values behind the pickles, found by its key.
	storage struct {
		kind  global
		key   string
		count int64
	}
	// tensor is a view of a storage.
	tensor struct {
		storage *storage
		offset  int64
		size    []int64
		stride  []int64
	}
)

// Globals that a checkpoint may name. Nothing else is ever looked up, and none
// of them runs code.
const (
	globalOrderedDict = global("collections.OrderedDict")
	globalRebuild     = global("torch._utils._rebuild_tensor_v2")
	globalFloat       = global("torch.FloatStorage")
	globalLong        = global("torch.LongStorage")
)

// unpickler runs one pickle of protocol 2.
type unpickler struct {
	in    *bytes.Reader
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any
}

// unpickle reads one pickle from in and leaves in behind it.
func unpickle(in *bytes.Reader) (any, error) {
	u := &unpickler{in: in, memo: make(map[uint32]any)}
	for range maxOperations {
		op, err := in.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("%w: the pickle ends early", ErrCheckpoint)
		}
		if op == '.' {
			return u.pop()
		}
		if err := u.step(op); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: a pickle of more than %d operations", ErrCheckpoint, maxOperations)
}

// step runs one operation. The letters are those of Python's pickletools.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		if version := u.number(1); version != 2 {
			return fmt.Errorf("%w: pickle protocol %d, not 2", ErrCheckpoint, version)
		}
	case 'N':
		u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		u.push(op == 0x88)
	case 'K':
		u.push(u.number(1))
	case 'M':
		u.push(u.number(2))
	case 'J':
		u.push(int64(int32(u.number(4))))
	case 'X': // BINUNICODE
		return u.text()
	case 'c':
		return u.global()
	case '}':
		u.push(new(dict))
	case ']':
		u.push(new(list))
	case ')':
		u.push(tuple(nil))
	case '(':
		u.marks = append(u.marks, len(u.stack))
	case 'q':
		return u.put(uint32(u.number(1)))
	case 'r':
		return u.put(uint32(u.number(4)))
	case 'h':
		return u.get(uint32(u.number(1)))
	case 'j':
		return u.get(uint32(u.number(4)))
	default:
		return u.combine(op)
	}
	return nil
}

// combine runs the operations that take values from the stack.
func (u *unpickler) combine(op byte) error {
	switch op {
	case 't': // TUPLE
		items, err := u.sinceMark()
		u.push(tuple(items))
		return err
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		items, err := u.take(int(op-0x85) + 1)
		u.push(tuple(items))
		return err
	case 's', 'a': // SETITEM, APPEND
		items, err := u.take(map[byte]int{'s': 2, 'a': 1}[op])
		if err != nil {
			return err
		}
		return u.extend(items)
	case 'u', 'e': // SETITEMS, APPENDS
		items, err := u.sinceMark()
		if err != nil {
			return err
		}
		return u.extend(items)
	case 'Q': // BINPERSID
		return u.storage()
	case 'R': // REDUCE
		return u.reduce()
	case 'b': // BUILD sets attributes, none of which matters here
		_, err := u.take(1)
		return err
	}
	return fmt.Errorf("%w: pickle operation %#02x is not allowed", ErrCheckpoint, op)
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pop() (any, error) {
	items, err := u.take(1)
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// take removes the n topmost values. It never reaches below the latest mark.
func (u *unpickler) take(n int) ([]any, error) {
	floor := 0
	if len(u.marks) > 0 {
		floor = u.marks[len(u.marks)-1]
	}
	at := len(u.stack) - n
	if at < floor {
		return nil, fmt.Errorf("%w: the pickle takes a value that is not there", ErrCheckpoint)
	}
	items := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}

func (u *unpickler) sinceMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, fmt.Errorf("%w: the pickle has no mark", ErrCheckpoint)
	}
	items, err := u.take(len(u.stack) - u.marks[len(u.marks)-1])
	u.marks = u.marks[:len(u.marks)-1]
	return items, err
}

// number reads an unsigned little-endian number; what is missing at the end
// reads as zero, and the next operation then fails.
func (u *unpickler) number(size int) int64 {
	var b [8]byte
	u.in.Read(b[:size])
	return int64(binary.LittleEndian.Uint64(b[:]))
}

func (u *unpickler) text() error {
	n := u.number(4)
	if n > maxText || n > int64(u.in.Len()) {
		return fmt.Errorf("%w: a text of %d bytes", ErrCheckpoint, n)
	}
	b := make([]byte, n)
	u.in.Read(b)
	u.push(string(b))
	return nil
}

func (u *unpickler) global() error {
	var name [2][]byte
	for i := range name {
		for len(name[i]) < 64 {
			b, err := u.in.ReadByte()
			if err != nil || b == '\n' {
				break
			}
			name[i] = append(name[i], b)
		}
	}
	g := global(string(name[0]) + "." + string(name[1]))
	switch g {
	case globalOrderedDict, globalRebuild, globalFloat, globalLong:
		u.push(g)
		return nil
	}
	return fmt.Errorf("%w: the pickle refers to %q, which is not allowed", ErrCheckpoint, g)
}

func (u *unpickler) put(at uint32) error {
	if len(u.stack) == 0 {
		return fmt.Errorf("%w: the pickle remembers nothing", ErrCheckpoint)
	}
	u.memo[at] = u.stack[len(u.stack)-1]
	return nil
}

func (u *unpickler) get(at uint32) error {
	v, ok := u.memo[at]
	if !ok {
		return fmt.Errorf("%w: the pickle recalls what it never remembered", ErrCheckpoint)
	}
	u.push(v)
	return nil
}

// extend appends items to the list or dict on top of the stack.
func (u *unpickler) extend(items []any) error {
	if len(u.stack) > 0 {
		switch top := u.stack[len(u.stack)-1].(type) {
		case *list:
			top.items = append(top.items, items...)
			return nil
		case *dict:
			for ; len(items) >= 2; items = items[2:] {
				top.items = append(top.items, item{items[0], items[1]})
			}
			if len(items) == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: the pickle fills what is no list or dict", ErrCheckpoint)
}

// storage turns ("storage", kind, key, device, count, view) into a reference.
func (u *unpickler) storage() error {
	v, err := u.pop()
	if err != nil {
		return err
	}
	parts, _ := v.(tuple)
	if len(parts) == 6 && parts[0] == "storage" && parts[5] == nil {
		kind, isKind := parts[1].(global)
		key, isKey := parts[2].(string)
		count, isCount := parts[4].(int64)
		if isKind && isKey && isCount && count >= 0 {
			u.push(&storage{kind, key, count})
			return nil
		}
	}
	return fmt.Errorf("%w: the pickle refers to something that is no storage", ErrCheckpoint)
}

// reduce calls one of the two functions that are allowed: OrderedDict() and
// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks).
func (u *unpickler) reduce() error {
	call, err := u.take(2)
	if err != nil {
		return err
	}
	args, _ := call[1].(tuple)
	switch {
	case call[0] == globalOrderedDict && len(args) == 0:
		u.push(new(dict))
		return nil
	case call[0] == globalRebuild && len(args) == 6:
		from, isStorage := args[0].(*storage)
		offset, isOffset := args[1].(int64)
		size, isSize := integers(args[2])
		stride, isStride := integers(args[3])
		if isStorage && isOffset && isSize && isStride && len(size) == len(stride) {
			u.push(&tensor{from, offset, size, stride})
			return nil
		}
	}
	return fmt.Errorf("%w: the pickle makes a call that is not allowed", ErrCheckpoint)
}

func integers(v any) ([]int64, bool) {
	items, ok := v.(tuple)
	numbers := make([]int64, len(items))
	for i, item := range items {
		n, isInt := item.(int64)
		numbers[i], ok = n, ok && isInt
	}
	return numbers, ok
}

package convert

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// Pieces of pickles, as PyTorch writes them.
func short(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func tupleOf(numbers ...byte) string {
	s := "("
	for _, n := range numbers {
		s += "K" + string(n)
	}
	return s + "t"
}

func floatsOf(values ...float32) string {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

const (
	proto      = "\x80\x02"
	versionOf  = proto + "M\xe9\x03."
	storageRef = "ctorch\nFloatStorage\n"
	rebuild    = "ctorch._utils\n_rebuild_tensor_v2\n"
	ordered    = "ccollections\nOrderedDict\n)R"
)

func systemOf(flag string) string { return proto + "}(" + short("little_endian") + flag + "u." }

// view is a call of _rebuild_tensor_v2 on the storage "7" of six values.
func view(offset byte, size, stride string) string {
	return rebuild + "((" + short("storage") + storageRef + short("7") + short("cpu") + "K\x06NtQ" +
		"K" + string(offset) + size + stride + "\x89" + ordered + "tR"
}

// parts of a checkpoint, to be changed one by one.
type parts struct{ magic, version, system, state, keys, values string }

func sound() parts {
	return parts{
		magic: magic, version: versionOf, system: systemOf("\x88"),
		state:  proto + ordered + "(" + short("w") + view(0, tupleOf(2, 3), tupleOf(1, 2)) + "u}" + short("_metadata") + "Nsb.",
		keys:   proto + "](" + short("7") + "e.",
		values: floatsOf(0, 1, 2, 3, 4, 5),
	}
}

func (p parts) bytes() []byte {
	return []byte(p.magic + p.version + p.system + p.state + p.keys + p.values)
}

func (p parts) with(tensor string) parts {
	p.state = proto + ordered + "(" + short("w") + tensor + "u."
	return p
}

func TestStridesAreFollowed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tensor string
		shape  []int64
		want   []float32
	}{
		"column by column": {view(0, tupleOf(2, 3), tupleOf(1, 2)), []int64{2, 3}, []float32{0, 2, 4, 1, 3, 5}},
		"row by row":       {view(0, tupleOf(2, 3), tupleOf(3, 1)), []int64{2, 3}, []float32{0, 1, 2, 3, 4, 5}},
		"from the middle":  {view(2, tupleOf(2), tupleOf(2)), []int64{2}, []float32{2, 4}},
		"three dimensions": {view(0, tupleOf(1, 3, 2), tupleOf(1, 1, 3)), []int64{1, 3, 2}, []float32{0, 3, 1, 4, 2, 5}},
		"one value":        {view(5, ")", ")"), nil, []float32{5}},
		"stretched":        {view(1, tupleOf(3), tupleOf(0)), []int64{3}, []float32{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkpoint, err := ReadCheckpoint(sound().with(c.tensor).bytes())
			if err != nil {
				t.Fatal(err)
			}
			got, err := checkpoint.Floats("w", c.shape...)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v and error %v, expected %v", got, err, c.want)
			}
		})
	}
}

func TestViewsBeyondTheirStorage(t *testing.T) {
	t.Parallel()
	for name, tensor := range map[string]string{
		"too long":          view(0, tupleOf(7), tupleOf(1)),
		"too far apart":     view(0, tupleOf(2, 3), tupleOf(4, 1)),
		"begins behind it":  view(6, tupleOf(1), tupleOf(1)),
		"reaches behind it": view(4, tupleOf(3), tupleOf(1)),
		"a negative stride": view(0, tupleOf(2), "(J\xff\xff\xff\xfft"),
		"a negative size":   view(0, "(J\xff\xff\xff\xfft", tupleOf(1)),
		"of nothing":        view(0, tupleOf(0), tupleOf(1)),
		"more than it has":  view(0, tupleOf(100, 100), tupleOf(0, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkpoint, err := ReadCheckpoint(sound().with(tensor).bytes())
			if err != nil {
				t.Fatal(err)
			}
			view := checkpoint.tensors["w"]
			if got, err := checkpoint.Floats("w", view.size...); !errors.Is(err, ErrCheckpoint) {
				t.Errorf("%v and error %v, expected ErrCheckpoint", got, err)
			}
		})
	}
}

func TestTensorOfAnotherNameOrShape(t *testing.T) {
	t.Parallel()
	checkpoint, err := ReadCheckpoint(sound().bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Floats("v", 2, 3); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("error %v for a missing tensor", err)
	}
	if _, err := checkpoint.Floats("w", 3, 2); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("error %v for another shape", err)
	}
}

func TestReadCheckpointRefuses(t *testing.T) {
	t.Parallel()
	state := func(pickle string) func(p *parts) {
		return func(p *parts) { p.state = proto + pickle + "." }
	}
	for name, change := range map[string]func(p *parts){
		"the zip format":                func(p *parts) { p.magic = "PK\x03\x04" },
		"another version":               func(p *parts) { p.version = proto + "M\xea\x03." },
		"a version that is a list":      func(p *parts) { p.version = proto + ")." },
		"a big-endian writer":           func(p *parts) { p.system = systemOf("\x89") },
		"another pickle protocol":       func(p *parts) { p.version = "\x80\x05M\xe9\x03." },
		"a command to run":              state("cos\nsystem\n(" + short("rm -rf /") + "tR"),
		"a name from builtins":          state("cbuiltins\neval\n"),
		"a name that does not end":      func(p *parts) { p.state = proto + "c" + strings.Repeat("a", 1000) },
		"an old-style instance":         state("(ios\nsystem\n"),
		"a call of a tensor":            state(view(0, tupleOf(1), tupleOf(1)) + ")R"),
		"a call with too few values":    state(rebuild + ")R"),
		"a dict made of something":      state("ccollections\nOrderedDict\n(K\x01tR"),
		"a state that is a number":      state("K\x07"),
		"a state of numbers":            state("}(" + short("w") + "K\x07u"),
		"an empty stack":                state(""),
		"a value that is not there":     state("\x86"),
		"a value below the mark":        state("K\x01(\x85"),
		"items without a mark":          state("}u"),
		"a key without a value":         state("}(" + short("w") + "u"),
		"items for a number":            state("K\x01(K\x02e"),
		"something never remembered":    state("h\x01"),
		"remembering nothing":           state("q\x00"),
		"a storage that is a number":    state("K\x01Q"),
		"a storage of another kind":     state("(" + short("module") + storageRef + short("7") + short("cpu") + "K\x06NtQ"),
		"a huge text":                   state("X\xff\xff\xff\xff"),
		"a pickle that does not end":    func(p *parts) { p.state, p.keys, p.values = proto+"K\x01", "", "" },
		"keys that are no list":         func(p *parts) { p.keys = proto + "}." },
		"a key that belongs to nothing": func(p *parts) { p.keys = proto + "](" + short("8") + "e." },
		"the same key twice":            func(p *parts) { p.keys = proto + "](" + short("7") + short("7") + "e."; p.values += p.values },
		"values that end early":         func(p *parts) { p.values = p.values[:20] },
		"no count":                      func(p *parts) { p.values = p.values[:3] },
		"a count beyond the file":       func(p *parts) { p.values = "\xff\xff\xff\xff\xff\xff\xff\xff" + p.values[8:] },
		"bytes behind the end":          func(p *parts) { p.values += "x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sound()
			change(&p)
			if _, err := ReadCheckpoint(p.bytes()); !errors.Is(err, ErrCheckpoint) {
				t.Errorf("error %v, expected ErrCheckpoint", err)
			}
		})
	}
}

func TestSwarmOfOperations(t *testing.T) {
	t.Parallel()
	p := sound()
	p.state = proto + strings.Repeat("N", maxOperations)
	if _, err := ReadCheckpoint(p.bytes()); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), "operations") {
		t.Errorf("error %v", err)
	}
}

func FuzzReadCheckpoint(f *testing.F) {
	f.Add(sound().bytes())
	f.Add(sound().with(view(5, ")", ")")).bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := ReadCheckpoint(in)
		if err != nil {
			if !errors.Is(err, ErrCheckpoint) {
				t.Errorf("error %v does not wrap ErrCheckpoint", err)
			}
			return
		}
		for name, view := range c.tensors {
			c.Floats(name, view.size...)
		}
	})
}

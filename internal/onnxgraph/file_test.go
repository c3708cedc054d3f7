package onnxgraph

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// wire builds messages by hand, as another writer would.
type wire []byte

func (w wire) text(n protowire.Number, s string) wire {
	return protowire.AppendString(protowire.AppendTag(w, n, protowire.BytesType), s)
}

func (w wire) number(n protowire.Number, v uint64) wire {
	return protowire.AppendVarint(protowire.AppendTag(w, n, protowire.VarintType), v)
}

func (w wire) fixed32(n protowire.Number, v uint32) wire {
	return protowire.AppendFixed32(protowire.AppendTag(w, n, protowire.Fixed32Type), v)
}

func (w wire) message(n protowire.Number, m wire) wire {
	return protowire.AppendBytes(protowire.AppendTag(w, n, protowire.BytesType), m)
}

// foreign is a model as other writers make them: fields in the order of their
// numbers, unknown fields between and behind, zeros written out, packed and
// unpacked numbers, a graph inside an attribute.
func foreign() wire {
	attribute := wire{}.text(1, "axis").number(3, 0).number(20, 2)
	branch := wire{}.text(1, "then_branch").message(6, wire{}.text(2, "inner")).number(20, 5)
	packed := protowire.AppendVarint(protowire.AppendVarint(nil, 1), 300)
	ints := wire{}.text(1, "perm").text(8, string(packed)).number(8, 7).number(20, 7)
	node := wire{}.text(1, "x").text(1, "").text(2, "y").text(3, "").text(4, "Foo").
		message(5, attribute).message(5, branch).message(5, ints).text(6, "").text(7, "other").text(8, "overload")
	tensor := wire{}.number(1, 2).number(1, 3).number(2, 1).text(4, "abcdefghijklmnopqrstuvwx").text(8, "w")
	floats := wire{}.number(1, 2).number(2, 1).fixed32(4, 0x7fa00001).fixed32(4, 5).text(8, "nan").fixed32(77, 9)
	empty := wire{}.number(1, 0).number(2, 1).text(4, "").text(8, "none")
	shape := wire{}.message(1, wire{}.text(2, "batch")).message(1, wire{}.number(1, 0).text(3, "denotation")).message(1, wire{})
	value := wire{}.text(1, "x").message(2, wire{}.message(1, wire{}.number(1, 1).message(2, shape)).text(6, "IMAGE"))
	sequence := wire{}.text(1, "s").message(2, wire{}.message(4, wire{}.message(1, wire{})))
	graph := wire{}.message(1, node).text(2, "main_graph").message(5, tensor).message(5, floats).message(5, empty).
		message(11, value).message(11, sequence).message(12, value).message(14, wire{}.text(1, "q"))
	return wire{}.number(1, 10).text(2, "pytorch").text(3, "").number(5, 0).message(7, graph).
		message(8, wire{}.number(2, 18)).message(8, wire{}.text(1, "ai.onnx.ml").number(2, 3)).
		message(14, wire{}.text(1, "key").text(2, "")).message(25, wire{}.text(1, "function")).
		number(100, 1<<63)
}

func TestFileOfAnotherWriterComesBackByteForByte(t *testing.T) {
	t.Parallel()
	in := foreign()
	m, err := Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := Encode(m); !bytes.Equal(got, in) {
		t.Fatalf("changed:\n%x\n%x", in, got)
	}
	node := m.Graph.Nodes[0]
	if a := node.Attribute("perm"); len(a.Ints) != 3 || a.Ints[1] != 300 || a.Ints[2] != 7 {
		t.Errorf("packed and unpacked integers read as %v", a.Ints)
	}
	if m.Graph.Inputs[0].Type.Tensor.Shape.Dims[0].Param != "batch" {
		t.Error("a named dimension was lost")
	}
}

func TestEditKeepsTheRestOfAForeignFile(t *testing.T) {
	t.Parallel()
	m, err := Decode(foreign())
	if err != nil {
		t.Fatal(err)
	}
	m.Producer = ""
	m.Graph.Node("Relu", "z", []string{"y"})
	m.Graph.Initializers = m.Graph.Initializers[:1]
	edited, err := Decode(Encode(m))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(edited.Graph.Nodes); n != 2 || edited.Graph.Nodes[1].Op != "Relu" {
		t.Errorf("%d nodes after appending one to one", n)
	}
	if n := len(edited.Graph.Initializers); n != 1 || edited.Producer != "" {
		t.Errorf("%d tensors and producer %q after removing", n, edited.Producer)
	}
	if len(edited.keep.unknown) != len(m.keep.unknown) {
		t.Error("an edit lost unknown fields")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	nodes := bytes.Repeat(wire{}.message(1, wire{}), maxElements)
	for name, in := range map[string]wire{
		"nothing":                    {},
		"no graph":                   wire{}.number(1, 8),
		"cut in a length":            {0x3a},
		"cut in a value":             {0x3a, 0x05, 0x01},
		"a field number of 0":        {0x00, 0x00},
		"a text as a number":         wire{}.number(2, 1).message(7, wire{}),
		"a number as a text":         wire{}.text(1, "8").message(7, wire{}),
		"a float as a number":        wire{}.fixed32(1, 8).message(7, wire{}),
		"two graphs":                 wire{}.message(7, wire{}).message(7, wire{}),
		"two versions":               wire{}.number(1, 8).number(1, 8).message(7, wire{}),
		"a packed float too short":   wire{}.message(7, wire{}.message(5, wire{}.text(4, "abc"))),
		"a packed number cut short":  wire{}.message(7, wire{}.message(5, wire{}.text(1, "\x80"))),
		"an endless number":          append(wire{0x08}, bytes.Repeat([]byte{0xff}, 11)...),
		"a swarm of empty nodes":     wire{}.message(7, nodes),
		"a swarm of numbers":         wire{}.message(7, wire{}.message(5, wire{}.text(1, string(make([]byte, maxElements+1))))),
		"a group that does not end":  {0x7b},
		"a swarm of unknown numbers": wire{}.message(7, bytes.Repeat(wire{}.number(60, 1), maxElements)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Decode(in); !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v, expected ErrMalformed", err)
			}
		})
	}
}

// FuzzDecode looks for panics, and for files that change when written twice.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(foreign()))
	if golden, err := os.ReadFile("testdata/small.onnx"); err == nil {
		f.Add(golden)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := Decode(in)
		if err != nil {
			return
		}
		Check(m)
		InferShapes(m)
		once := Encode(m)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if !bytes.Equal(Encode(again), once) {
			t.Fatal("writing twice gave other bytes")
		}
	})
}

package onnxgraph

// Model is a whole file (ModelProto).
type Model struct {
	IRVersion       int64
	Producer        string
	ProducerVersion string
	Domain          string
	Version         int64
	Doc             string
	Opsets          []*Opset
	Graph           *Graph
	Metadata        []*Entry

	keep Layout
}

// Opset names an operator set; the empty domain is ONNX's own.
type Opset struct {
	Domain  string
	Version int64

	keep Layout
}

// Entry is a key and a value.
type Entry struct {
	Key, Value string

	keep Layout
}

// Graph is the network. Nodes stand in an order in which every input is made
// before it is used.
type Graph struct {
	Name         string
	Doc          string
	Nodes        []*Node
	Inputs       []*ValueInfo
	Outputs      []*ValueInfo
	Values       []*ValueInfo
	Initializers []*Tensor

	keep Layout
}

// Node is one operator.
type Node struct {
	Inputs, Outputs []string
	Name            string
	Op              string
	Domain          string
	Attributes      []*Attribute
	Doc             string

	keep Layout
}

// AttributeType says which field of an Attribute holds its value.
type AttributeType int64

// Attribute types that this package reads; others are kept as they are.
const (
	AttributeFloat  AttributeType = 1
	AttributeInt    AttributeType = 2
	AttributeString AttributeType = 3
	AttributeTensor AttributeType = 4
	AttributeFloats AttributeType = 6
	AttributeInts   AttributeType = 7
)

// Attribute is a named constant of a Node.
type Attribute struct {
	Name   string
	Doc    string
	Type   AttributeType
	Float  float32
	Int    int64
	String []byte
	Tensor *Tensor
	Floats []float32
	Ints   []int64
	Texts  [][]byte

	keep Layout
}

// DataType is the element type of a tensor.
type DataType int64

// Data types with the numbers of TensorProto.DataType.
const (
	Float32 DataType = 1
	Uint8   DataType = 2
	Int8    DataType = 3
	Int32   DataType = 6
	Int64   DataType = 7
	Bool    DataType = 9
	Float64 DataType = 11
)

// Size is the number of bytes of one element, 0 for types unknown here.
func (t DataType) Size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Float32, Int32:
		return 4
	case Int64, Float64:
		return 8
	}
	return 0
}

// Tensor is a constant. Its values stand in Raw (little endian, row-major) or,
// in files of some writers, in the typed lists.
type Tensor struct {
	Name   string
	Doc    string
	Type   DataType
	Dims   []int64
	Raw    []byte
	Floats []float32
	Int32s []int64
	Int64s []int64
	// Location is 1 where the values lie in another file. Check refuses that.
	Location int64
	External []*Entry

	keep Layout
}

// ValueInfo names a value and its type.
type ValueInfo struct {
	Name string
	Doc  string
	Type *TypeInfo

	keep Layout
}

// TypeInfo is the type of a value; only tensors are typed here.
type TypeInfo struct {
	Tensor *TensorInfo

	keep Layout
}

// TensorInfo is element type and shape.
type TensorInfo struct {
	Type  DataType
	Shape *ShapeInfo

	keep Layout
}

// ShapeInfo is a list of dimensions.
type ShapeInfo struct {
	Dims []*Dim

	keep Layout
}

// Dim is a number, or a name where Param is set.
type Dim struct {
	Value int64
	Param string

	keep Layout
}

func (m *Model) layout() *Layout { return &m.keep }

func (m *Model) fields() []field {
	return []field{
		{number: 1, target: &m.IRVersion, always: true},
		{number: 2, target: &m.Producer},
		{number: 3, target: &m.ProducerVersion},
		{number: 4, target: &m.Domain},
		{number: 5, target: &m.Version},
		{number: 6, target: &m.Doc},
		{number: 8, target: list[Opset]{many: &m.Opsets}},
		{number: 14, target: list[Entry]{many: &m.Metadata}},
		{number: 7, target: list[Graph]{one: &m.Graph}}, // holds the weights
	}
}

func (o *Opset) layout() *Layout { return &o.keep }

func (o *Opset) fields() []field {
	return []field{{number: 1, target: &o.Domain, always: true}, {number: 2, target: &o.Version, always: true}}
}

func (e *Entry) layout() *Layout { return &e.keep }

func (e *Entry) fields() []field {
	return []field{{number: 1, target: &e.Key, always: true}, {number: 2, target: &e.Value, always: true}}
}

func (g *Graph) layout() *Layout { return &g.keep }

func (g *Graph) fields() []field {
	return []field{
		{number: 2, target: &g.Name, always: true},
		{number: 10, target: &g.Doc},
		{number: 1, target: list[Node]{many: &g.Nodes}},
		{number: 11, target: list[ValueInfo]{many: &g.Inputs}},
		{number: 12, target: list[ValueInfo]{many: &g.Outputs}},
		{number: 13, target: list[ValueInfo]{many: &g.Values}},
		{number: 5, target: list[Tensor]{many: &g.Initializers}}, // last: see the package comment
	}
}

func (n *Node) layout() *Layout { return &n.keep }

func (n *Node) fields() []field {
	return []field{
		{number: 1, target: &n.Inputs},
		{number: 2, target: &n.Outputs},
		{number: 3, target: &n.Name},
		{number: 4, target: &n.Op, always: true},
		{number: 5, target: list[Attribute]{many: &n.Attributes}},
		{number: 6, target: &n.Doc},
		{number: 7, target: &n.Domain},
	}
}

func (a *Attribute) layout() *Layout { return &a.keep }

func (a *Attribute) fields() []field {
	return []field{
		{number: 1, target: &a.Name, always: true},
		{number: 2, target: &a.Float, always: a.Type == AttributeFloat},
		{number: 3, target: &a.Int, always: a.Type == AttributeInt},
		{number: 4, target: &a.String, always: a.Type == AttributeString},
		{number: 5, target: list[Tensor]{one: &a.Tensor}},
		{number: 7, target: &a.Floats},
		{number: 8, target: &a.Ints},
		{number: 9, target: &a.Texts},
		{number: 13, target: &a.Doc},
		{number: 20, target: (*int64)(&a.Type), always: true},
	}
}

func (t *Tensor) layout() *Layout { return &t.keep }

func (t *Tensor) fields() []field {
	return []field{
		{number: 1, target: &t.Dims},
		{number: 2, target: (*int64)(&t.Type), always: true},
		{number: 4, target: &t.Floats},
		{number: 5, target: &t.Int32s},
		{number: 7, target: &t.Int64s},
		{number: 8, target: &t.Name, always: true},
		{number: 12, target: &t.Doc},
		{number: 13, target: list[Entry]{many: &t.External}},
		{number: 14, target: &t.Location},
		{number: 9, target: &t.Raw},
	}
}

func (v *ValueInfo) layout() *Layout { return &v.keep }

func (v *ValueInfo) fields() []field {
	return []field{
		{number: 1, target: &v.Name, always: true},
		{number: 2, target: list[TypeInfo]{one: &v.Type}},
		{number: 3, target: &v.Doc},
	}
}

func (t *TypeInfo) layout() *Layout { return &t.keep }

func (t *TypeInfo) fields() []field {
	return []field{{number: 1, target: list[TensorInfo]{one: &t.Tensor}}}
}

func (t *TensorInfo) layout() *Layout { return &t.keep }

func (t *TensorInfo) fields() []field {
	return []field{
		{number: 1, target: (*int64)(&t.Type), always: true},
		{number: 2, target: list[ShapeInfo]{one: &t.Shape}},
	}
}

func (s *ShapeInfo) layout() *Layout { return &s.keep }

func (s *ShapeInfo) fields() []field {
	return []field{{number: 1, target: list[Dim]{many: &s.Dims}}}
}

func (d *Dim) layout() *Layout { return &d.keep }

func (d *Dim) fields() []field {
	return []field{
		{number: 1, target: &d.Value, always: d.Param == ""},
		{number: 2, target: &d.Param},
	}
}

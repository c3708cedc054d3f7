package onnxgraph

import (
	"errors"
	"slices"
	"testing"
)

// single builds a graph of one node on inputs of the given shapes.
func single(op string, shapes [][]int64, attributes ...*Attribute) *Model {
	m := New("single")
	var names []string
	for i, dims := range shapes {
		name := string(rune('a' + i))
		m.Graph.Input(name, Float32, dims...)
		names = append(names, name)
	}
	m.Graph.Node(op, "y", names, attributes...)
	return m
}

func TestInferShapes(t *testing.T) {
	t.Parallel()
	strides := func(n ...int64) *Attribute { return IntsAttribute("strides", n...) }
	for name, c := range map[string]struct {
		op         string
		in         [][]int64
		attributes []*Attribute
		want       []int64 // nil = refused
	}{
		"conv":                         {"Conv", [][]int64{{1, 3, 224, 224}, {32, 3, 3, 3}}, []*Attribute{strides(2, 2), IntsAttribute("pads", 0, 0, 1, 1)}, []int64{1, 32, 112, 112}},
		"conv by depth":                {"Conv", [][]int64{{1, 8, 14, 14}, {8, 1, 5, 5}}, []*Attribute{IntAttribute("group", 8), IntsAttribute("pads", 2, 2, 2, 2)}, []int64{1, 8, 14, 14}},
		"conv dilated":                 {"Conv", [][]int64{{1, 1, 9, 9}, {1, 1, 3, 3}}, []*Attribute{IntsAttribute("dilations", 2, 2)}, []int64{1, 1, 5, 5}},
		"conv of other channels":       {"Conv", [][]int64{{1, 4, 9, 9}, {8, 3, 3, 3}}, nil, nil},
		"conv with a huge kernel":      {"Conv", [][]int64{{1, 1, 2, 2}, {1, 1, 3, 3}}, nil, nil},
		"conv with a stride of 0":      {"Conv", [][]int64{{1, 1, 9, 9}, {1, 1, 3, 3}}, []*Attribute{strides(0, 1)}, nil},
		"conv with negative padding":   {"Conv", [][]int64{{1, 1, 9, 9}, {1, 1, 3, 3}}, []*Attribute{IntsAttribute("pads", -1, 0, 0, 0)}, nil},
		"conv without groups":          {"Conv", [][]int64{{1, 1, 9, 9}, {1, 1, 3, 3}}, []*Attribute{IntAttribute("group", 0)}, nil},
		"add stretches":                {"Add", [][]int64{{2, 1, 4}, {3, 1}}, nil, []int64{2, 3, 4}},
		"add of a scalar":              {"Mul", [][]int64{{}, {3, 4}}, nil, []int64{3, 4}},
		"add that does not fit":        {"Add", [][]int64{{2, 3}, {2, 4}}, nil, nil},
		"add of one":                   {"Add", [][]int64{{2, 3}}, nil, nil},
		"transpose":                    {"Transpose", [][]int64{{1, 2, 3}}, nil, []int64{3, 2, 1}},
		"transpose with a permutation": {"Transpose", [][]int64{{1, 2, 3, 4}}, []*Attribute{IntsAttribute("perm", 0, 3, 1, 2)}, []int64{1, 4, 2, 3}},
		"transpose twice the same":     {"Transpose", [][]int64{{1, 2}}, []*Attribute{IntsAttribute("perm", 0, 0)}, nil},
		"pool":                         {"GlobalAveragePool", [][]int64{{1, 5, 7, 7}}, nil, []int64{1, 5, 1, 1}},
		"pool of a vector":             {"GlobalAveragePool", [][]int64{{1, 5}}, nil, nil},
		"flatten":                      {"Flatten", [][]int64{{2, 3, 4}}, nil, []int64{2, 12}},
		"flatten from the end":         {"Flatten", [][]int64{{2, 3, 4}}, []*Attribute{IntAttribute("axis", -1)}, []int64{6, 4}},
		"flatten beyond":               {"Flatten", [][]int64{{2}}, []*Attribute{IntAttribute("axis", 2)}, nil},
		"gemm":                         {"Gemm", [][]int64{{1, 8}, {3, 8}, {3}}, []*Attribute{IntAttribute("transB", 1)}, []int64{1, 3}},
		"gemm that does not fit":       {"Gemm", [][]int64{{1, 8}, {3, 8}}, nil, nil},
		"matmul":                       {"MatMul", [][]int64{{5, 2, 3}, {3, 4}}, nil, []int64{5, 2, 4}},
		"matmul of vectors":            {"MatMul", [][]int64{{3}, {3}}, nil, nil},
		"relu":                         {"Relu", [][]int64{{1, 2}}, nil, []int64{1, 2}},
		"reshape to an input":          {"Reshape", [][]int64{{1, 2}, {2}}, nil, nil},
		"an operator of none":          {"Magic", [][]int64{{1}}, nil, nil},
		"more values than a board has": {"Add", [][]int64{{1 << 20, 1}, {1, 1 << 20}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			types, err := InferShapes(single(c.op, c.in, c.attributes...))
			if c.want == nil {
				if !errors.Is(err, ErrShape) {
					t.Errorf("error %v, expected ErrShape", err)
				}
				return
			}
			if err != nil || !slices.Equal(types["y"].Dims, c.want) {
				t.Errorf("shape %v and error %v, expected %v", types["y"].Dims, err, c.want)
			}
		})
	}
}

func TestInferReshape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ target, want []int64 }{
		"with an open dimension":    {[]int64{0, -1}, []int64{2, 12}},
		"as it says":                {[]int64{4, 6}, []int64{4, 6}},
		"to other values":           {[]int64{5, 5}, nil},
		"with two open dimensions":  {[]int64{-1, -1}, nil},
		"with a negative dimension": {[]int64{-2, 12}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := New("reshape")
			m.Graph.Input("x", Float32, 2, 3, 4)
			m.Graph.Initializers = append(m.Graph.Initializers,
				&Tensor{Name: "target", Type: Int64, Dims: []int64{int64(len(c.target))}, Int64s: c.target})
			m.Graph.Node("Reshape", "y", []string{"x", "target"})
			types, err := InferShapes(m)
			if (c.want == nil) != errors.Is(err, ErrShape) || !slices.Equal(types["y"].Dims, c.want) {
				t.Errorf("shape %v and error %v, expected %v", types["y"].Dims, err, c.want)
			}
		})
	}
}

func TestInferShapesNeedsFixedInputs(t *testing.T) {
	t.Parallel()
	m := small()
	m.Graph.Inputs[0].Type.Tensor.Shape.Dims[0] = &Dim{Param: "batch"}
	if _, err := InferShapes(m); !errors.Is(err, ErrShape) {
		t.Errorf("error %v, expected ErrShape", err)
	}
}

package onnxgraph

import (
	"fmt"
	"math"
)

// quantizeLinear turns float32 values into those of the zero point's type,
// uint8 where there is none.
func quantizeLinear(n *Node, in []Type) (Type, error) {
	to := Uint8
	if len(in) > 2 && n.Inputs[2] != "" {
		to = in[2].Elem
	}
	if in[0].Elem != Float32 || to != Uint8 && to != Int8 {
		return Type{}, fmt.Errorf("%w: data type %d quantized to %d", ErrShape, in[0].Elem, to)
	}
	return Type{to, in[0].Dims}, scaled(n, in)
}

// dequantizeLinear turns integers into float32 values. Only int32 may lack a
// zero point, for biases have none.
func dequantizeLinear(n *Node, in []Type) (Type, error) {
	from := in[0].Elem
	if from != Uint8 && from != Int8 && from != Int32 {
		return Type{}, fmt.Errorf("%w: data type %d has no scale", ErrShape, from)
	}
	if len(in) > 2 && n.Inputs[2] != "" && in[2].Elem != from {
		return Type{}, fmt.Errorf("%w: data type %d with a zero point of type %d", ErrShape, from, in[2].Elem)
	}
	return Type{Float32, in[0].Dims}, scaled(n, in)
}

// scaled checks that scale and zero point are single numbers, or one for each
// slice along the axis.
func scaled(n *Node, in []Type) error {
	if in[1].Elem != Float32 {
		return fmt.Errorf("%w: a scale of data type %d", ErrShape, in[1].Elem)
	}
	for i := 1; i < len(in); i++ {
		if i == 2 && n.Inputs[2] == "" {
			continue
		}
		if len(in[i].Dims) != len(in[1].Dims) || len(in[i].Dims) > 1 {
			return fmt.Errorf("%w: scale %v with zero point %v", ErrShape, in[1].Dims, in[i].Dims)
		}
		if len(in[i].Dims) == 0 {
			continue
		}
		axis := n.intOr("axis", 1)
		if axis < 0 {
			axis += int64(len(in[0].Dims))
		}
		if axis < 0 || axis >= int64(len(in[0].Dims)) || in[i].Dims[0] != in[0].Dims[axis] {
			return fmt.Errorf("%w: %v scales along axis %d of %v", ErrShape, in[i].Dims, axis, in[0].Dims)
		}
	}
	return nil
}

// checkScales refuses constant scales by which a value can't be divided.
func (n *Node) checkScales(constants map[string]*Tensor) error {
	if n.Op != "QuantizeLinear" && n.Op != "DequantizeLinear" || len(n.Inputs) < 2 {
		return nil
	}
	t := constants[n.Inputs[1]]
	if t == nil {
		return nil
	}
	scales, err := t.Float32s()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHostile, err)
	}
	for _, s := range scales {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("%w: the scale %v of %q is no positive number", ErrHostile, s, t.Name)
		}
	}
	return nil
}

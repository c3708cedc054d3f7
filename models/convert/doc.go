// Package convert turns published checkpoints of backbones into ONNX graphs,
// in Go alone: it reads PyTorch's older (not zip) checkpoint format with an
// unpickler that can build nothing but numbers, texts, lists and tensors, and
// writes the network with batch norms folded and the normalisation of the
// picture inside.
//
// The same checkpoint always gives the same bytes.
package convert

// Package quantize turns a backbone of float32 values into one of 8-bit
// integers that runs faster and takes a quarter of the space: a static QDQ
// graph, the form from which ONNX Runtime makes its integer operators.
//
// The result is a pure function of the graph and of the ranges that its values
// have been seen to span (Ranges, a small text file), so it needs no picture
// and is the same bytes on every machine. Package calibrate measures ranges.
//
// docs/formats/quantize.md describes graph and file.
package quantize

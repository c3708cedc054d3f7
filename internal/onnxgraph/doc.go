// Package onnxgraph reads, edits, checks and writes ONNX models without any
// native library: a small codec over the protobuf wire format, typed messages,
// shape inference for the operators that this project's models use, and the
// steps that turn a backbone into a classifier.
//
// The codec keeps what it does not know, and the order in which fields were
// found, so decoding and encoding a file of another writer gives the same
// bytes. Models built here are written with the initialisers behind everything
// else: weights appended last are last in the file, and a new head changes
// nothing that stands before it.
//
// Field numbers and meanings are those of onnx.proto (IR version 10) of the
// ONNX project.
package onnxgraph

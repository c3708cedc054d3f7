// Package ort runs a network on ONNX Runtime. It is the only home of
// onnxruntime_go and of the library behind it, and only gourdian-infer imports
// it: the library's faults stay in that process.
//
// Without cgo the same functions return ErrNoRuntime.
package ort

// Package vision is the one truth of preprocessing: how a decoded picture is
// turned upright, which square of it a model sees and how that square becomes
// a tensor. Board, training and evaluation all call it, so a model meets on the
// board exactly the bytes that it met in training.
//
// It is pure Go and computes with integers only, so the same picture gives the
// same bytes on every machine. [Resizer] states every rounding; [PreprocessID]
// names the whole by a hash of what it puts out.
package vision

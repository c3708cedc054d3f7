// Package demo shows one board at work on this machine: it makes a model where
// there is none, starts gourdian-agent on a rendered field, photos or a video,
// says where its page is, and, when it is to go through once, compares what the
// board recorded with what really stood there.
//
// The truth of the rendered field never travels with its frames: the demo
// computes it from the same query that the camera was given.
package demo

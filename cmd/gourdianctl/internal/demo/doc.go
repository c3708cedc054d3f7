// Package demo shows one board at work on this machine: it makes a model where
// there is none, starts gourdian-agent on a rendered field, photos or a video,
// says where its page is, and, when it is to go through once, compares what the
// board recorded with what really stood there.
//
// The field is one that training never saw: its pumpkins are of a variety that
// the training pictures leave out, and its fruit, light and shade are drawn
// from a realm of random numbers of its own (package field). The truth never
// travels with its frames: the demo computes it from the query that the camera
// was given.
//
// A slow or busy machine shows fewer frames of each thing. The demo measures
// how many reach the board and, where they are too few to follow what comes and
// goes, lets the field's clock run slower instead of blaming the board.
package demo

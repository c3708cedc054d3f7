// Package wire holds what boards and hub exchange or keep on disk: the record
// of a sighting, its words and their limits, under one contract version. It
// stands on the standard library alone, so that any program can import it.
//
// A field is never renamed and never changes its meaning; a new one raises
// Contract and gets a golden file in testdata, which is decoded for ever. A
// reader ignores fields that it doesn't know: they come from a newer board.
package wire

// Package pipeline makes models of people's labels: a run takes a data set
// through the steps
//
//	validate ─→ features ─→ train (each candidate) ─→ evaluate (each candidate and
//	the champion, in every variant) ─→ register ─→ gate
//
// A step is named by the hash of its inputs, its parameters and the version of
// the program, and leaves one artefact that never changes, kept by that name:
// what was done once is not done again, in this run or another, and a run that
// was cut off goes on behind its last step. Training and evaluation run in the
// workers that boards have, on the bundle as boards get it.
//
// Candidates learn from the pictures that are not golden and are compared among
// themselves by cross-validation on those. The best of them meets the champion
// on the golden pictures, which trained neither, and package models/gate decides.
// All candidates are registered, also those that lose. Nothing is promoted here:
// the gate's record says whether an admin may.
package pipeline

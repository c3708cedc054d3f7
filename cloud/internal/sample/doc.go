// Package sample keeps the pictures that are worth learning from: those that
// boards offer, those that visitors give and those that people import. A
// picture is named by the SHA-256 of its bytes and is kept once, whoever
// brought it first.
//
// A board offers, and the hub says for each offer whether it wants it and from
// which byte (quota, known, deleted before). Pieces may come after a cut or a
// restart: they wait in a file until the whole has the right hash. Then the
// picture is looked at in a camera worker: what can't be read is refused, and
// light, blur and a fingerprint are kept, by which near-duplicates of one
// source are found. Only checked pictures that are no duplicates are labelled.
//
// A deleted picture leaves its name behind, so that it never comes again.
package sample

// Package sighting turns the frames of one zone into sightings: the unit that
// is recorded, counted and shown. A sighting is what stands in a zone from when
// it arrives until it changes. A scene that merely sits there, or flickers in
// the light, stays one sighting however long it takes, and an empty place is
// none.
//
// Two frames show the same scene when their structure (appearance.go, blind to
// light) and the network's embedding agree well enough. A change counts once
// two frames in a row, at least settle apart, agree with each other and not
// with the scene before: a hand that passes is no sighting.
//
// The empty place is learnt (empty.go): it is what comes back, and at the very
// first start the first scene in which the model sees no fruit. What follows at
// once on it is a thing, even if the model can't name it.
//
// After an hour or more without a frame, a night, what looks much the same has
// stood there all along. All times are of the field clock; when that is set, a
// sighting moves with it and keeps its length.
package sighting

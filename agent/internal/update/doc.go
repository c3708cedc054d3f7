// Package update brings the models that the hub wants to a board and lets none
// serve that has not proved itself here.
//
// A model is named by its hub and believed in nothing: what may run is what
// signed metadata names (The Update Framework), checked against the root that
// was pinned at joining. Its pieces are asked for by hash, checked before they
// are written, and reused from every bundle on the board. A model that is whole
// starts beside the one that serves, passes its golden frames, is timed, scores
// the same frames as the old one for a while, and only then serves, under watch.
// Until that is over the old one stays on disk, and the board goes back to it by
// itself, without a network.
//
// What runs is in a journal on disk (Slots), of which every change is one
// rename. A board that is killed at any moment starts with a model that has
// passed, and one that is killed again and again by a model under watch goes
// back.
package update

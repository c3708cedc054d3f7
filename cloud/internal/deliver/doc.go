// Package deliver gives models to boards, piece by piece over the broker.
//
// A bundle is known by the list of its pieces, each named by its hash; the list
// itself is named by its hash, which is signed (package trust). So whatever a
// board is sent it can check up to the signature, and a piece that two models
// share has one name. The list is made once for each bundle. Pieces are read
// out of the bundle's file where they lie; nothing is kept twice.
//
// A board asks for a few names at a time. What it asks for waits in a short
// queue of its own; boards are served in turn, one piece each, as fast as they
// may be. Bytes are counted by board, day and purpose, and a board that has used
// up its day is given nothing more until the next.
package deliver

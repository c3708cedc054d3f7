// Package fleet keeps the boards of a hub: which there are, where they stand,
// who may connect, what they last said of themselves and what the hub wants
// them to be.
//
// A board joins with a token and shows from then on the key that it joined with;
// the hub's CA vouches for the key (package authority), this package says whether
// it may still be used. Records and history belong to the device and stay
// whatever becomes of the board.
//
// Who is connected is known in memory only: after a restart nobody is, until
// they come back. Time is the wall clock.
package fleet

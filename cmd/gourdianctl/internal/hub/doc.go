// Package hub speaks to a hub's HTTP interface for the commands of gourdianctl:
// it pushes models, moves the champion and measures how the hub answers for
// pictures when many ask.
package hub

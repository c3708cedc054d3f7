// Package agent is the board: it looks through its cameras, grades what stands
// there, keeps it and shows it on a page. This package is the one page that
// wires the parts together; Run blocks until the board is told to stop.
package agent

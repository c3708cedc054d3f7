// Package live holds the newest state of the board: what each camera sees,
// which model runs and what is wrong. Stages write to it, the page reads
// copies of it and waits for changes.
package live

// Package store keeps the board's records, day counters and settings in
// Badger and its pictures as files by hash, under a byte quota. A full disk
// costs pictures first and never an accepted record.
//
// One goroutine, Store.Run, makes every change: it gathers what callers ask
// for within a few milliseconds and commits it as one synced transaction.
// Readers go straight to Badger. docs/formats/store.md draws what lies on disk.
package store

// Package store keeps the board's records, day counters and settings in
// Badger and its pictures as files by hash, under a byte quota. A full disk
// costs pictures first and never an accepted record.
package store

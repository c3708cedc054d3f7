package store

import "errors"

// Errors of a Store, to be asked for with errors.Is.
var (
	// ErrNotFound says that there is no such record or picture (any more).
	ErrNotFound = errors.New("not kept here")
	// ErrLocked says that another process uses the data folder.
	ErrLocked = errors.New("the data folder is in use by another process")
	// ErrFull says that the disk or the records' quota is full: nothing was
	// stored. It ends by itself when there is room again.
	ErrFull = errors.New("no room to store")
	// ErrClosed says that the Store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrFormat says that the data folder was written by a newer program.
	ErrFormat = errors.New("the data folder has an unknown format")
)

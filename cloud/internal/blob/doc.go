// Package blob keeps the hub's pictures and bundles as files named by the
// SHA-256 of their bytes, through gocloud.dev, so that a folder can become an
// object store. A blob never changes: the same bytes are kept once, and what is
// read back is hashed again, so that a damaged disk is an error and never a
// wrong picture.
//
// A blob is on disk (synced, its folder too) when Put returns; it is there as a
// whole or not at all.
package blob

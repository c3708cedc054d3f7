package bundle

import (
	"errors"
	"fmt"
)

// ErrBundle is wrapped by every error about what a bundle holds. Errors of
// reading the file itself (not found, no permission) don't wrap it.
var ErrBundle = errors.New("unusable model bundle")

// The family, in the order in which a bundle is checked.
var (
	// ErrTooLarge: the container, its manifest or an entry exceeds a limit.
	ErrTooLarge = family("too large")
	// ErrFormat: no bundle at all, damaged, cut off, or an entry that is not a
	// plain file written as the format says.
	ErrFormat = family("damaged, or no bundle")
	// ErrVersion: of another format version than this program knows.
	ErrVersion = family("other format version")
	// ErrManifest: the manifest is not canonical or contradicts itself.
	ErrManifest = family("bad manifest")
	// ErrVariant: numbers of a variant that nothing can be decided with, or a
	// variant that is not there.
	ErrVariant = family("bad variant")
	// ErrMissing: an entry that the manifest lists is not in its place.
	ErrMissing = family("missing entry")
	// ErrExtra: an entry, or bytes, that the manifest doesn't list.
	ErrExtra = family("extra entry")
	// ErrHash: an entry differs from its SHA-256.
	ErrHash = family("wrong hash")
	// ErrContent: an entry with the right hash that can't be read.
	ErrContent = family("unreadable entry")
	// ErrPreprocess: made with a preprocessing that this program lacks.
	ErrPreprocess = family("other preprocessing")
)

func family(what string) error { return fmt.Errorf("%w: %s", ErrBundle, what) }

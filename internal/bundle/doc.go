// Package bundle reads and writes model bundles: one file with everything that
// a model needs to be run, checked and judged by. docs/formats/bundle.md draws
// it. [Build] writes one, [Open] believes nothing: it checks a file in a fixed
// order and names the first fault by an error of one family, see [ErrBundle].
package bundle

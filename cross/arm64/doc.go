// Package arm64 is about the programs for 64-bit ARM boards on a machine that is
// none: setup.sh fetches Debian's arm64 libraries, emulate.sh runs a program,
// and the tests (build tag arm64emulated, `make test-arm64`) hold what the
// programs do there against what those of this machine do.
package arm64

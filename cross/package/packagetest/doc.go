// Package packagetest holds the Debian package to what it promises. Its tests
// install it into a clean Debian, start what its unit starts, see a verdict,
// upgrade, remove and purge it; `make test-packages` runs them (build tag
// packages), for they need root. Those that need nothing but Go run always.
package packagetest

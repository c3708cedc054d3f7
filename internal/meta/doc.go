// Package meta holds the repository's own rules as tests: who may import whom,
// where each third-party package lives, how large files and functions may grow,
// what must not be written anywhere. Every rule carries its reason.
//
// The rules are functions over a list of packages or files. Besides the real
// tree they are fed small bad examples, on which they must fail.
package meta

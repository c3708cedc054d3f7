// Package feature keeps what the champion's backbone makes of labelled
// pictures, computed once for each picture and space (backbone, variant,
// preprocessing), and finds those nearest to a new picture: "it looks most like
// these, which people called bad".
package feature

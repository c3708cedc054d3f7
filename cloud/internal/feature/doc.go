// Package feature keeps what is computed of labelled pictures, once for each: what
// the champion's backbone makes of it, by space (backbone, variant,
// preprocessing), and what light and blur allow, by preprocessing. What was made
// under another key counts as not made; keys are never mixed. It finds the
// pictures nearest to a new one: "it looks most like these, which people called
// bad".
package feature

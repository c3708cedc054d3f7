// Package report writes what a training or an evaluation found as one HTML page
// that stands by itself: no file beside it, no script, nothing from elsewhere.
// It shows the confusion matrix, how far probabilities can be trusted, each
// class with pictures that were told right and wrong, what more labels would
// bring, and in words what to mind. Every drawing has its numbers in a table.
package report

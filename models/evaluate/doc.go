// Package evaluate turns predictions on labelled pictures into figures with
// intervals: confusion, recall and precision per class, reliability of the
// probabilities, and what a threshold would give. It runs a bundle over a data
// set, and serves the trainer for its cross-validated figures.
package evaluate

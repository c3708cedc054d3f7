// Package dataset reads what a model is trained and measured on: a folder per
// class, or a manifest that names file, class and, where they are known,
// group, split and crop. It also finds what would make a figure dishonest:
// the same picture twice, near-duplicates on both sides of a split, and
// uniform bars around pictures of one source.
//
// A picture that cannot be used is never fatal and never silent: it is listed
// in Set.Skipped with its reason.
package dataset

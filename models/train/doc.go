// Package train makes a model out of labelled pictures: it trains a head on
// the frozen embeddings of a backbone, measures it on groups that it has not
// seen, and exports backbone and head as one bundle.
//
// The path of the numbers:
//
//	embeddings of all views ─→ folds by group ─→ penalty C by out-of-fold log loss
//	      out-of-fold logits ─→ temperature ─→ thresholds per class ─→ figures
//	      all pictures       ─→ head ─→ graph ─→ golden frames ─→ bundle
//
// Everything random follows one seed, and every sum is added in one order
// whatever the number of processors, so the same inputs give the same bytes.
package train

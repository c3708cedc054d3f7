// Package sketch sums up an hour of a camera's sightings in less than 2 KB: how
// often each verdict was given and why, how sure the model was, how unlike its
// training photos the pictures were, how sharp and bright they were, and where
// their embeddings lay. It is what drift is told from, on the hub, long after
// the pictures have gone.
//
// All of it is whole numbers, so that merging is exact: sketches of hours give
// that of the day in any order and grouping, to the last byte. A quantile is
// read from 32 bins of a signal's scale and lies within one bin of the truth,
// 3 % of the scale; means and deviations are exact to 1/65535 of it.
//
// Embeddings are kept on 16 fixed axes: each is the sum of the 1,280 values of
// the embedding at length 1, every value with a sign that is a pure function of
// axis and place. Such axes need no training set, so board and hub have them
// without a word between them, they are the same for every model of a backbone,
// and they see a shift in any direction alike; axes of the training set's main
// components would look away from exactly what training never showed.
//
// docs/formats/sketch.md draws the bytes.
package sketch

// Package drift tells whether a camera's days have become unlike its own past,
// and why, with a stated number of false alarms. It is pure: days in, scores
// and findings out. Package monitor keeps the days.
//
// Pictures of one day share light, field and variety, so a day is one
// observation, however many sightings it has. Every measure of a day (mean
// signals, shares, the place of the embeddings) is compared with the same
// camera's reference days and divided by how much those differ from day to
// day; so is the mean of the newest five days, out of which a small move that
// lasts stands sooner. How large such a deviation is when nothing happens is
// learnt by holding every five reference days out, with their neighbours, and
// comparing them with the rest; these null deviations of all cameras are one
// pool, from which a p-value is read. Over the cameras of a day the
// Benjamini-Hochberg procedure chooses, and only a camera that is chosen on two
// of five days is an alarm. Where many move together there is one for all.
//
// docs/drift.md says the same for people, docs/testing.md what was measured.
//
// Sources: Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate",
// J. R. Stat. Soc. B 57, 1995; Z. Lipton, Y.-X. Wang, A. Smola, "Detecting and
// correcting for label shift with black box predictors", ICML 2018, for telling
// another mix of classes from other pictures.
package drift

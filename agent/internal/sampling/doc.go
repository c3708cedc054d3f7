// Package sampling chooses which of a board's pictures are worth learning from,
// and how many of them may leave it in a day.
//
// Four kinds are: those that the farmer corrected, an honest share of
// everything, those that the model was unsure of, and those that showed no
// pumpkin. The share is drawn from the numbers of a record, so that anybody can
// draw it again, and nothing is held against a picture in it: what the hub
// learns of the whole field it learns there.
//
// It decides and keeps nothing: package store keeps, package uplink sends.
package sampling

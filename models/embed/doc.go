// Package embed turns the pictures of a data set into what a head is trained
// on: each picture is decoded, cropped and freed of bars, seen in several
// views, prepared by package vision and run through the frozen backbone in its
// worker process. Embeddings are cached by everything they depend on, so a
// second training of the same pictures decodes and infers nothing.
package embed

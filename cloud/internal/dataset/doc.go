// Package dataset makes of people's labels what a model may learn from and be
// measured on, and keeps it for good.
//
// A data set is a Manifest: which pictures, which class each has, who said so,
// and on which side of a split it stands. It is named by the SHA-256 of its
// bytes and never changes. Two hubs with the same pictures, the same labels at
// the same moment and the same rules write the same bytes.
//
// Pictures that hang together are one group and stand on one side: those of one
// board on one day, or of one visit in an import. The side of a group is decided
// once, by a hash and by how many of its class came before, and kept: a label
// that comes later never moves a group. Golden groups are set aside for good; each
// use of them is written into a ledger, for every look wears them out.
//
// Pictures that people can't judge, or about which they disagree, are left out
// and counted. Doubtful lists the labels that somebody should look at again.
package dataset

// Package gate decides whether a candidate model may take the champion's place,
// on labelled pictures that neither of them was trained on. It promotes nothing
// and rejects nothing on a point estimate: where the pictures don't tell the
// two apart, the outcome is Undecided and says how many more would.
//
// A candidate is promoted when it is better (exact McNemar test, one-sided, and
// a paired difference above zero when whole groups are resampled), or when it
// mends a named problem, such as a new kind of pumpkin, and is no worse
// elsewhere. Guards come before both: the recall of the class that matters most
// must not fall, and no slice may get worse.
package gate

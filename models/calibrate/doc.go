// Package calibrate measures what the values of a backbone span, so that
// package quantize can give them scales: it runs the float graph through
// gourdian-infer on pictures, with every value that needs a range as an extra
// output, counts, and tries each rule that turns counts into ranges on pictures
// that were held out.
//
// The same pictures, library and kind of CPU give the same ranges, however many
// workers there are and in whatever order they finish.
package calibrate

// Package capture is where pictures come from: the contract of a source, the
// one table of what a camera address may look like, the live side that runs
// inside the worker process gourdian-camera, and the clients for the programs
// that start it.
//
// A camera worker owns one [Source] through a [Feed], which reads it in its own
// goroutine, keeps the newest picture of a live source and every picture of a
// finite one, and reopens what got stuck. A [Camera] asks it for frames. A
// worker without a source decodes and encodes files for a [Decoder].
//
// Everything here is pure Go. Pixels from and to files go through a [Codec];
// the real one is package cv, the only one that knows OpenCV.
package capture

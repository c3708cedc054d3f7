// Package cv is the one place that knows OpenCV: it decodes and encodes
// pictures and reads cameras, streams and video files. It holds as little as
// possible, since nothing here can be tested without the library; everything
// that decides something is in package capture.
//
// Only the program gourdian-camera imports it. Without the build tags
// gocv_specific_modules and gocv_videoio it compiles to functions that say so.
package cv

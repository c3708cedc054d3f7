// Package worker runs native code in child processes and talks to them.
//
// A program that must not die (agent, hub, gourdianctl) uses Start for one
// process or NewSupervised for one that comes back after it died. The main of
// a worker (gourdian-infer, gourdian-camera) uses Serve, or Refuse when it
// can't do its duty. Both sides speak frames over two pipes, which are the
// worker's descriptors 3 (requests) and 4 (answers):
//
//	uint32 BE  length of the header, at most MaxHeader
//	           header: JSON
//	uint32 BE  length of the body, at most MaxBody
//	           body: raw bytes
//
// The worker's first frame is a Hello. Then every request gets one answer, one
// at a time. A worker that is late with an answer is killed: nothing else
// helps against a driver that hangs. stdout and stderr of a worker go to the
// log.
//
// A worker ends when descriptor 3 closes, on SIGTERM, and with its parent.
package worker

// Package predict answers with a verdict for a picture at once. It holds the
// hub's only workers: gourdian-camera decodes and prepares, gourdian-infer runs
// the champion, and internal/verdict decides; the same three that a board has,
// so hub and board say the same of the same picture.
//
// A Service serves one model at a time. When the champion moves, the workers of
// the new one are started and pass their golden frames first; then requests
// turn to it between two pictures, and the old workers end once the last
// request that began with them has its answer.
//
// What can't be served soon is refused at once (ErrBusy): a place in the queue
// is taken before anything is read, and every request has a deadline.
package predict

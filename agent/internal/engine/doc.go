// Package engine owns the board's one model: it opens the bundle, keeps the
// inference worker running, scores tensors for every camera and says on the
// page what runs and what is wrong. A missing or refused bundle, or a worker
// that dies, costs the scores and nothing else.
package engine

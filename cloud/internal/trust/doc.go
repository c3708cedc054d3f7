// Package trust says which models boards may run, in a way that boards need not
// believe the hub for: TUF metadata (The Update Framework).
//
//	root       which keys count; its own key belongs away from the hub (gourdianctl keys)
//	targets    the models that may run; signed by the Signer alone
//	snapshot   which lists belong together
//	timestamp  that this is the newest
//
// The Signer reads by itself why a model may run, a gate's record or an admin's
// signed override, and signs nothing without one. It knows neither database nor
// HTTP, and can run apart with its key. Snapshot and timestamp are signed where
// they are published, and again long before they end.
//
// Versions of targets, snapshot and timestamp are at least the seconds since
// 1970: a hub that was restored from an old backup publishes numbers above those
// that boards have seen. Everything is published anew when the hub starts.
//
// Files are written in the order targets, snapshot, timestamp, each whole or not
// at all. The timestamp is what counts: whatever a crash leaves without one is
// taken up at the next start.
package trust

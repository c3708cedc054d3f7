// Package gate chooses which frames of a camera are worth a model's time. Every
// frame that it leaves out has a reason code, and each reason a counter.
//
// It must not starve the vote. A change in any zone opens the gate at the full
// rate, and it stays open for long enough to confirm the change and to vote on
// it; only a scene that sits there unchanged is looked at less often.
//
// A blurred or badly lit frame is left out while sound ones come as well: a
// shaken camera or an exposure that is still settling passes. When nothing
// sound has come for a while, such frames go through at the idle rate, and the
// caller asks for a verdict with verdict.Look set: whatever stands there is
// recorded as unsure for its quality instead of being missed. Darkness in which
// nothing can be made out is left out altogether where the farmer wants a pause
// at night.
package gate

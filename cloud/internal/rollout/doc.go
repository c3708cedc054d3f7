// Package rollout brings a model to boards in waves: first to a few, then to
// more, each wave only when the one before has run well for a while.
//
// A rollout is of one version for boards that a person chose: by site, group,
// name or share. What a board shall run stands with the board (package fleet)
// until something else is decided, so one that was away for months goes straight
// to the newest. Boards say how it goes in their states; Report takes it down in
// the transaction that keeps the state, and Run decides what follows.
//
//   - A board that has begun is waited for. One that was not heard of since it was
//     told is "not seen yet": it holds up nothing and is no failure.
//   - A board of the first wave that refuses the model or goes back stops the
//     rollout; in later waves more of them than the plan allows. Then nobody else
//     is told, and boards that have not finished are told to leave it.
//   - A newer rollout takes over the boards of an older one that have not finished.
//   - Boards that join later are told of the newest rollout that is meant for them.
//
// Time is the wall clock.
package rollout

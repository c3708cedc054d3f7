// Package people keeps who may use the hub: persons with a role, their
// passwords (argon2id), one-time links, sessions, API tokens, and the log of
// what they changed.
//
// Whoever changes something writes it down:
//
//	audit.Write(ctx, who.Name, "board.rename", device, "north → south")
package people

// Package uplink tells the hub what the board saw, and lets the hub say what it
// wants. It holds up nothing: it reads the store and the board's state like any
// reader, and what it can't send stays where it is.
//
// One goroutine, Uplink.Run, owns everything: it waits for a membership,
// connects, and serves one connection after the other. Handlers of the MQTT
// client only hand over what came, without waiting.
//
// A record has arrived when the hub says so in an Ack, after its commit; what
// MQTT acknowledges counts for nothing. So a record is sent at least once, and
// its number lets the hub keep it exactly once. docs/protocol.md tells the whole
// conversation.
package uplink

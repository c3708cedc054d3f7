// Package broker is where boards connect: an MQTT broker behind an interface,
// and the embedded one, which is the home of mochi.
//
// A board shows a certificate of the hub's CA; its common name is its client id
// and the only device whose topics it may touch. What a board says is given to
// the Receiver before it is acknowledged: a message that the Receiver can't keep
// gets no PUBACK. Nothing is retained, no session outlives its connection, and
// a message to a board that isn't there is gone; the hub says it again when the
// board is back.
package broker

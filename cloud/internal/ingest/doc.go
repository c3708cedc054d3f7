// Package ingest takes what boards say into the hub's database.
//
// One writer gathers what many boards say within a few milliseconds into one
// transaction. Only when that is committed is the broker told that the messages
// are kept, and the boards that their records are: what can't be committed is
// acknowledged by nobody, and comes again.
//
// Records are taken in the order of their numbers, exactly once: for each device
// and epoch the database holds up to where it has all, and moves that on in the
// transaction that writes the records. Repeated ones are passed over, early ones
// wait to be sent again, broken ones are put away where people can look at them.
package ingest

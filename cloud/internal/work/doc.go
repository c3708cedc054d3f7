// Package work says what waits for whom. Parts of the hub are Sources: each
// looks, when it is asked, what waits in it now; nothing of that is copied. What
// people add is kept here: who has taken a thing on, notes, and whether it is
// done or put off. All of that can be undone, is in the audit log, and nobody
// overwrites what he has not seen.
//
// A thing that is done or put off is hidden, until it happens again, more of it
// waits than before, or its time is over.
package work

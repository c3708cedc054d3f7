package broker

import (
	"context"
	"errors"
	"time"
)

// Broker carries messages between boards and hub.
type Broker interface {
	// Run serves until ctx is done.
	Run(ctx context.Context) error
	// Publish says something to a board, if it is there. It never waits.
	Publish(device, name string, payload []byte) error
	// Disconnect ends a board's connection at once.
	Disconnect(device string)
}

// Guard says which boards may be connected.
type Guard interface {
	// Admit is asked at every connection and every message, so it answers
	// from memory. keyHash names the certificate's key, see package authority.
	Admit(device, keyHash string) error
}

// Receiver takes what boards say and learns who is there. Calls for one
// connection come one after the other.
type Receiver interface {
	// Receive returns nil when the message is kept for good, or is worth
	// nothing. After any other error the board is not acknowledged. The
	// payload belongs to the Receiver.
	Receive(ctx context.Context, m Message) error
	// Present and Absent say that a connection begins and has ended. A board
	// that comes anew is Present before its old connection is Absent.
	Present(device string, session uint64)
	Absent(device string, session uint64)
}

// Message is what a board said.
type Message struct {
	Device  string
	Session uint64 // of the connection, rising
	Name    string // of the topic, see package wire
	Payload []byte
	At      time.Time
}

// Limits of the broker; zero values are replaced by Defaults.
type Limits struct {
	Clients    int           // boards at a time
	Pending    int           // connections that have not said who they are
	PendingPer int           // of those, from one address
	Connect    time.Duration // for TLS and CONNECT
	KeepAlive  time.Duration // the longest silence that a board may ask for
}

// Defaults are the limits in force where none are given.
func Defaults() Limits {
	return Limits{Clients: 20_000, Pending: 512, PendingPer: 64, Connect: 10 * time.Second, KeepAlive: 2 * time.Minute}
}

// ErrAbsent says that a board is not connected.
var ErrAbsent = errors.New("the board is not connected")

// Stats are counters since the start and what is now.
type Stats struct {
	Connected int
	Handshake uint64 // connections that failed in TLS, or said nothing in time
	Crowded   uint64 // connections closed because too many had not said who they are
	Refused   uint64 // boards refused, and what they were not allowed to do
	Withheld  uint64 // messages that could not be kept
	Received  uint64 // messages kept
	Sent      uint64 // messages to boards
	Dropped   uint64 // messages to boards that took too little
	BytesUp   uint64 // from boards
	BytesDown uint64 // to boards
}

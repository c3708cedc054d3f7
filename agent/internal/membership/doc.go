// Package membership makes a board a member of a hub: it makes the board's key,
// asks for a certificate with a join token, keeps both beside the store and
// renews the certificate before it ends. Whoever talks to the hub takes the
// TLS configuration from here.
//
// The hub is known by its own CA, which the token names by hash; names in
// certificates are not looked at, so that a hub may move. Certificates are
// checked at a time that is never before the program was built: a board without
// a battery wakes up in 1970.
package membership

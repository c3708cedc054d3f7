// Package setting keeps what an admin may change on the hub's page while it
// runs. What the config file or the environment says is fixed and wins over
// the page, and the page wins over the default.
//
// Values is the one typed definition; a Field says of each value by which key
// it is known (the config's), and what it may be. The config checks its own
// values with Check, so a limit stands once. Parts are given a function of the
// value that they need and ask it each time: a change is in force with the next
// question.
package setting

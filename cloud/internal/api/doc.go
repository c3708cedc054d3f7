// Package api is the hub's web server: listeners, guards, errors, and the
// addresses for programs under /api/v1. It is one of the two homes of gin; the
// other, package console, gives the pages for people as Routes.
//
// Every address is a Route with the least role that may use it; a test walks
// all of them with all roles. A handler asks Who for the person and Device for
// the board; both are checked before it is called. Fail answers a program,
// Refuse whoever asks.
package api

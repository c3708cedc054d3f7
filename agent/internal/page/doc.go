// Package page serves the device page: what the board sees and has seen, its
// settings behind a PIN, and the same for programs under /api/v1, /healthz and
// /metrics. It knows the rest of the board by the interfaces in server.go.
//
// It is the board's one home of gin and of the Prometheus client.
package page

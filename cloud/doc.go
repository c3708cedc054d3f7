// Package cloud is the hub: what boards report and hand over comes in, people
// look, label and decide, and anyone asks for a verdict. Config says what it is
// started with, Run is the one page that wires its parts.
//
// How a part joins:
//
//   - It keeps its tables with package db: migrations under its own numbers,
//     queries with Read, Write and Tx, tests on both databases with dbtest.
//   - It gives addresses for programs as a list of api.Route from a file in
//     cloud/internal/api, and pages for people as a console.Section from a file
//     in cloud/internal/console. Each has the least role (people.Role) that may
//     use it; the test of this package walks all of them with all roles.
//   - It writes down what people change with people.Audit, and within its own
//     transaction with people.WriteIn.
//   - It says what is wrong with a health.Check, whose codes have words in
//     internal/web's texts, and gives its numbers as api.Gauge.
//   - It is wired in run.go: a field of hub, a part of its group.
package cloud

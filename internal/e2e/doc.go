// Package e2e runs the real programs of hub and boards on one machine: it sets a
// hub up as a person would, gives each board a network of its own that can be
// cut, and kills what is to be killed. gourdianctl demo shows with it how they
// work together; this package's test lets faults come one after another and
// counts what became of the records.
package e2e

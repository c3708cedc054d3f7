// Package settings holds what the farmer may change on the device page, with
// its limits, its defaults and how it is kept.
package settings

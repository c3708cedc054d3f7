// Package quality measures what a picture is good for before any model sees
// it: blur, light and near-duplicates. Gate, import and drift share it.
package quality

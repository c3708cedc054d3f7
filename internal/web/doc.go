// Package web is what the device page and the hub console share: the style
// sheet, the assets with their hashed addresses, the catalogue of texts in two
// languages and the helpers that say numbers and times as people do.
//
// It uses the standard library only, so that either side may serve it with the
// router it likes.
package web

// Package registry keeps the models that were pushed to the hub. A pushed
// bundle is checked as a board would check it and becomes a version with a
// number; a version never changes. What answers is said by an alias, "champion",
// which a person moves with a reason; every move is kept, and going back is a
// move too. A version can be deleted, its number and history stay; the
// champion can't.
package registry

// Package label keeps what people say of pictures. A label has a version, and
// whoever changes it says which version he saw, so nothing is overwritten
// unseen. Every label, change and undo is an event that stays, with who and
// when.
//
// A picture that is shown for labelling is claimed for some minutes, so two
// people at work never get the same one.
package label

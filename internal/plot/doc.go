// Package plot draws figures as SVG on the server: a confusion matrix, a
// reliability diagram, curves with bands. A drawing holds no text style, colour
// or script of its own: classes of the page's style sheet give them, so that a
// strict content policy and dark pages need nothing more. Beside each drawing
// stands a table with the same numbers, for those who can't see it; the caller
// writes it.
package plot

// Package choose finds out which variant of a bundle to run on this machine:
// the fastest of those whose golden frames pass here. How fast 8-bit networks
// are, and whether they are right at all, depends on instructions that not
// every processor has, so nothing but a trial can tell.
//
// Trials start one worker per variant and time them in turns, so that other
// work on the machine weighs on all of them alike. A Memory keeps the choice
// for the next start.
package choose

// Package job does what takes long: imports, features, backups, training. A
// part of the hub gives a Kind with what its jobs do; Start orders one, Jobs
// does it on River's queue, and pages show how far it is.
//
// The line of a job in our own table is what counts; the queue only carries its
// number. A job is named by its kind and its arguments, so that the same work
// is never under way twice, and what is Pure is not even done again. Each time
// that a job is put into the queue it has a new fence: whoever works under an
// older one writes nothing any more.
//
// Who works holds a lease and renews it. When a hub dies, its jobs are taken up
// again: at once on SQLite, which one process has for itself, and when the lease
// has ended on PostgreSQL. So Run of a Kind may be cut off anywhere and begin
// anew; it must come to the same end. An error ends a try, and Attempts says how
// many there are; what is wrapped by Final is not tried again.
package job

// Package monitor keeps what boards sum up of their hours, judges every day of
// the field clock once its board has told of a later one (package drift), and
// raises alarms: with a reason, with what moved, and until somebody or the
// camera itself ends them.
//
// A board's hours become days as they arrive. A day is judged again when an
// hour of it comes late; an alarm is only raised on the newest day of a camera,
// so that a board that was away for a month wakes nobody with the past.
package monitor

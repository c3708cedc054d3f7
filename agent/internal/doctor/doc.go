// Package doctor examines a board: its config, disk, clock, memory, heat,
// processor, model and cameras. Each check measures one thing and says how that
// is, in words for people and with a remedy where it is not as it should be.
//
// A check is a probe, which asks the machine and returns plain figures, and a
// judge, which makes of the figures a Result. `gourdian-agent doctor` runs the
// checks on a board at rest; a Desk runs them inside an agent, for its page. An
// agent that runs holds cameras, model and data folder: what concerns these is
// then read off its state, and nothing is opened a second time.
package doctor

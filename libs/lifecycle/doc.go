// Package lifecycle runs the components of a process in order and stops them
// in reverse.
//
// A component is a function that runs until its context ends. It goes through
// these states, and never back:
//
//	waiting ──> starting ──> ready ──> stopping ──> stopped
//	               └───────────┴──────────┴──────> failed
//
//	waiting   an earlier component is not ready yet; Run has not been called
//	starting  Run has been called
//	ready     Run has called ready: the next component starts
//	stopping  every later component has stopped; Run's context has ended
//	stopped   Run has returned, with nil or with the context's error
//	failed    Run has returned something else, or before it was stopped
//
// A group of components starts, runs, and stops. It begins to stop when its
// context ends or when one of its components returns, whatever the others are
// doing; then it starts nothing any more. A component's context does not end
// together with the group's: it ends when it is the component's turn to stop,
// so that what it rests on is there until it has finished.
//
// A panic in a component is not recovered: it ends the process. What a
// component had in hand is unknown then, and nothing may be acknowledged or
// flushed on top of it.
package lifecycle

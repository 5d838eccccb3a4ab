// Package output is what the user's own says while it runs on a host, on its way to
// the events of an attempt:
//
//	stdout ─┐                  ┌ of the step ┐         ┌ of the attempt ┐
//	        ├─> lines (cut.go) ┤ budget.go   ├─> Log ──┤ batches        ├─> publish
//	stderr ─┘     task.go      └─────────────┘ (log.go)└────────────────┘
//
// Whoever writes is never held up: a line is cut short, a step that says much is cut
// to its beginning and its end, and what cannot be published is dropped. Of each, a
// line of Slipway's own tells. The lines of one Log are published in order, under
// numbers without gaps, so that a repeat can be told from what is new.
package output

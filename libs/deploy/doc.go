// Package deploy is the domain of Slipway, free of input and output: what a
// deployment, its targets and their steps are, which states they pass through,
// how hosts are planned into waves (strategy.go, plan.go, sets.go), how the
// scheduler's record of a running deployment moves on (rollout.go), what holds it
// (hold.go, calendar.go, slot.go, analysis.go), what ends it (budget.go, ending.go)
// and takes it back (revert.go), what people may ask of it (control.go), what is
// said of one that comes no further (trouble.go), who may work on a host next
// (queue.go), and how events fold into the documents that users read (fold.go).
//
// Everything here is a value or a function of values. It imports the standard
// library alone, so that each decision can be tested to death without a broker.
package deploy

// Package deploy is the domain of Slipway, free of input and output: what a
// deployment, its targets and their steps are, which states they pass through,
// how hosts are planned into waves (strategy.go, plan.go), how the scheduler's
// record of a running deployment moves on (rollout.go), what holds it (hold.go),
// what ends it (budget.go, ending.go), what people may ask of it (control.go), who
// may work on a host next (queue.go), and how events fold into the documents that
// users read (fold.go).
//
// Everything here is a value or a function of values. It imports the standard
// library alone, so that each decision can be tested to death without a broker.
package deploy

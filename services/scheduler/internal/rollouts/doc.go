// Package rollouts carries deployments from their command to their end: it is
// the only place that decides which job may run.
//
// Each replica takes inputs from two durable consumers that all replicas share:
// commands, and the events of jobs. For each input it loads the deployment's
// record, lets libs/deploy decide, publishes outputs that are safe to repeat,
// and writes the record by compare-and-set; only then is the input acknowledged
// (drive.go, outputs.go, outcome.go). A replica that dies in the middle leaves
// the input unacknowledged, and another one takes the same path again.
//
// A host belongs to one deployment at a time (hosts.go): the owner of its queue
// in LOCKS has its job stored in JOBS, the others wait in order. The next job
// follows from the terminal event of the one before. Of deployments, only so many
// are under way (slots.go), and the others wait in line (line.go). One that fails
// may be taken back by a rollback that is a deployment of its own (revert.go). Where
// others rely on a host by now, it is left to them (superseded.go); a canary may be
// judged by measurements (measure.go).
//
// What people ask comes by request and reply (control.go, skip.go, locks.go). A
// sweep (sweep.go) heals what a stale read may have left behind, and looks for
// deployments that come no further (look.go, zones.go, lost.go).
package rollouts

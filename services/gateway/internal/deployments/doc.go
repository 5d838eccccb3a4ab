// Package deployments is the gateway's side of deployments: accepting them
// (accept.go), answering what became of them so that every client reads its own
// writes (read.go, query.go), saying what one would do (plan.go), changing the
// course of one (control.go), keeping places and breaking locks (locks.go), finding what a rollback or another try is about
// (rollback.go), reading from servers which releases they hold (inspect.go),
// and having executors find commits of git (resolve.go).
//
// A deployment is accepted by one write: the command, appended under the
// deployment's own subject if nothing is there. Before it come the pieces of its
// snapshot, which mean nothing without it; those that are left without one are
// swept (sweep.go).
package deployments

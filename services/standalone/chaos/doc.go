// Package chaos says what happens in a chaos run, and judges what came of it. It starts nothing and talks to nobody: the
// tests of package e2e carry a script out on real processes and hosts, and bring the evidence back.
//
//	seed ── NewScript ──> Script: orders, what people do, faults     (kinds.go, script.go)
//	                        │ carried out by package e2e
//	                        ▼
//	Evidence ── Judge ──> breaches, each with its deployment and host (evidence.go, verdict.go)
//
// # Who bears witness
//
// Nothing is taken from Slipway's own word alone. The evidence is what clients were answered; the stream EV, whose
// messages are read here as plain JSON; the documents as MongoDB gives them; a journal on every host, written by the tools
// that its sessions run (journal.go); and what was seen of the link `current` by who looked at it all the while.
package chaos

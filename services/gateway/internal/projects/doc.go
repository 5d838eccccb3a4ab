// Package projects keeps what deployments refer to by name: projects with their
// applications, stages and templates, and groups of servers (item.go); what a client
// may say of them (input.go), and how they are stored and found (store.go, uses.go).
//
// A name is for all time: the bucket PROJECTS holds an item under its kind, project
// and name, so that one compare-and-set decides whose a name is. Deployments,
// packages, secrets and the grants of callers go by the same names, which are
// nobody's to move.
//
// What an item says of deployments (Defaults) is read by package api, which knows
// what a deployment may say. It is laid under a request when that is accepted: a
// later change changes nothing that runs.
package projects

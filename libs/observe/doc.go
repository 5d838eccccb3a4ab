// Package observe is how a process is seen from outside: metrics for Prometheus,
// spans for OpenTelemetry, and a listener for who operates it (listener.go), with
// health, profiles and the level of the log.
//
// A Process has a Scope for each service in it. A service defines its metrics in
// one file, as a table, and none by host, deployment or project: their number must
// not grow with the fleet. What a span says of such things are the facts of
// fact.go, and nothing else, so that no secret ends up in one.
//
// A nil *Scope is of use: what is counted and traced there goes nowhere. So is a
// Process without a listener and without an exporter; what it costs is an addition
// here and there.
package observe

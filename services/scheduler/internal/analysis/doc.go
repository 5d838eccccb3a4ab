// Package analysis measures a canary: it takes one measurement of the checks that
// a deployment names, all at once (meter.go), of a Prometheus (prometheus.go,
// answer.go) or by HTTP requests (http.go). When to measure, and what follows from
// the verdicts, is not decided here.
//
// Where checks lead is in the hands of clients. So each connection is looked at by
// netguard, what is read is bounded, and so is the time. The one address beyond
// that is the Prometheus of the configuration, which alone gets the token.
package analysis

// Package simulated plays hosts that do no work, for benchmarks: what is left
// is what Slipway itself costs. A host answers each command of hostcmd that a
// deployment needs as a real one would, which a test holds against the scripts,
// and keeps what it answered in memory.
//
// It is no part of a release: only what is built with the tag bench imports it.
package simulated

// Package bus is JetStream at the edge: connecting (connect.go), the streams and
// buckets with their configuration (streams.go), publishing with repeats and
// compare-and-set (publish.go, cell.go), and taking work with the rules for
// acknowledging it (work.go, source.go).
//
// Its guarantees: what it reports as stored is durable to the degree that
// Config states; a repeat of a publish that may have been stored is recognised
// by its message id and not by luck; nothing is acknowledged that the caller
// did not say is done.
package bus

// Package contract is what Slipway's services say to each other: the subjects,
// streams and buckets (subjects.go), the envelope around every message
// (envelope.go), the messages themselves (command.go, policy.go, analysis.go and bluegreen.go, job.go,
// event.go, query.go, control.go), the pieces of snapshots (snapshot.go) and their decoding (registry.go).
//
// The types here are wire types: they carry JSON tags and no behaviour.
// Conversion to the domain (libs/deploy) and to stored documents sits at the
// edges of the services, except for events and for what a command says about the
// course of its deployment, which every reader converts alike (convert.go).
//
// Within version 1 only optional fields are added. The golden messages in
// api-specs/examples/v1 pin that: a test decodes and encodes each of them.
package contract

// Package registry knows which replicas of which services there are, and how they came
// and went.
//
// Two sources say so. Replicas tell their own lives in the stream REPLICAS, which every
// gateway follows; and each gateway counts them every few seconds, by asking all that
// have registered with the broker. One that was ready and does not answer several
// counts in a row is said to be lost, in the same stream and only if nothing else was
// said of it meanwhile: of any number of gateways one says it. It is said to have
// returned once it answers again.
//
// Nothing decides by this but readiness. Replicas of versions that tell nothing are
// known by the count alone.
package registry

// Package live shows events to those who watch, as they are stored.
//
//	EV ──> topic (one ordered consumer for each deployment that is watched) ──> watch, watch …
//
// A topic (topic.go) reads the events of its deployment from the first one on and keeps the newest. A watch (watch.go)
// takes from it what comes after the event that it has seen last, at its own pace. One that begins before what the topic
// keeps reads EV by itself until it has come so far. So nobody misses an event or gets one twice, whichever gateway it
// comes back to: events are known by their sequence in EV, which is the same everywhere.
//
// Nothing waits for a watch. One that is so slow that the topic no longer keeps what it has not seen is ended (ErrSlow),
// and may come back.
//
// The topic of all deployments begins with what is stored while it is watched.
package live

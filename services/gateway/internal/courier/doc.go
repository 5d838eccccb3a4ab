// Package courier tells webhooks of events. One gateway at a time is the courier; any other takes its place.
//
//	EV ──> router ──> (HOOKS) ──> office: a queue a webhook, a lane a deployment ──> HTTP ──> HOOKED
//
// Who is the courier, and up to which event no delivery can be lost, is one record (duty.go) that changes by
// compare-and-set alone. The courier writes it every few seconds and with every batch of events. One that could not write
// it for a while stops; the others take its silence, by their own clocks, as leave to write it themselves. Where two act at
// once all the same, since one was frozen, a receiver may get a delivery twice, with the same id.
//
// The router (router.go) reads EV in order and makes a delivery for each event and webhook (story.go says what of it is
// told). One that will likely end in a moment is sent before it is stored, since a write when it has ended is all that it
// then needs; any other is stored first. The record moves on over an event (load.go) once each of its deliveries is stored
// or has ended; what is in memory alone after two seconds is stored for that. A new courier sends what it finds under way up
// to the event in the record, and makes the deliveries of later events anew, but for those that HOOKED says have ended: the
// record says from which place on to look there.
//
// A queue (queue.go) sends several deliveries at once, but of a lane only the first, until that has ended. So events of one
// deployment arrive in order, and a deployment whose event cannot be delivered delays no other. Each queue has its own
// goroutine while there is something to send, and no receiver waits for another. How a try went is stored before the next
// of the lane begins (outcome.go decides what follows from it).
//
// Nothing here is ever waited for by a deployment: events are read from a stream that does not know its readers.
package courier

// Package fold turns the event stream into documents. A Follower reads EV in
// order and hands batches of what it decoded to a Folder, which folds them in
// memory with the pure functions of libs/deploy and writes each document that
// changed once.
//
// What a Follower goes through:
//
//	opening ──> resuming ──> following ──> (its context ends)
//	   ▲          │   ▲          │
//	   └──────────┘   └──────────┘ the connection broke, or documents were lost
//	    EV is gone
//
//	opening    waits for the broker; streams that are gone are made again
//	resuming   waits for the connection and the store, looks which stream EV is
//	           now, stands by while another replica folds (turn.go), and decides
//	           after which event to go on
//	following  one goroutine reads and decodes (tail), one folds and writes
//
// Its guarantees:
//
//   - A document is written on the condition that it is as it was read. Whoever
//     loses against another replica reads again and folds again; an event that
//     a document has seen changes nothing in it. So replicas may come and go as
//     they like, and no decision rests on which of them reads.
//   - Buckets are written before the headers that count them, pages of output
//     before the outputs that say what is in them, what deployments share after
//     their own (aggregates.go), and the checkpoint after all. What a crash leaves
//     half done is done again.
//   - A document that is older than this replica has known it to be was lost by
//     the store: everything is folded again from the first event. The
//     checkpoint is looked at regularly, so that this is noticed at rest too.
//   - No event is passed over while the store or the broker is away.
//   - An event that cannot be decoded or folded, or whose document the store will
//     never take, is set aside with the reason, and folding goes on.
//   - What an event costs does not depend on how many hosts its deployment has, nor
//     on how many deployments there are: documents are found by their keys, copied
//     once a batch, and folded in place.
//     What runs where is written for as many arrivals as it has rows, or every two
//     seconds, and not with each batch (arriving.go); the position waits for it.
package fold

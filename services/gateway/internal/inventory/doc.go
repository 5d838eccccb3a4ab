// Package inventory keeps the servers: what they are (server.go), what a client
// may say of them (input.go, hostkey.go, credential.go), and how they are stored,
// found and ordered (inventory.go, name.go, find.go, order.go), and through which
// others they are reached (jump.go).
//
// The bucket SERVERS holds two kinds of values: a server under its id, and for
// each name in use a claim under the hash of the name, which says whose it is. A
// server exists if the claim to its name is its own, so the claim decides which
// of two servers gets a name, and nobody ever sees both. The two writes are not
// one, and a gateway may die between them:
//
//	create  server, then claim    died between: the server is not seen, and is swept
//	rename  claim, then server    died between: the claim has lapsed
//	delete  server, then claim    died between: the claim has lapsed
//
// A claim has lapsed when its server is not stored, or has another name and the
// rename that the claim was made for can no longer happen. That rename is a
// compare-and-set on the revision of the server that the claim states. So
// whoever wants a lapsed name first makes the rename impossible, by writing the
// server again as it is, and then takes the claim over, by compare-and-set on
// the claim. Every way to a name ends with a write of its claim, so nobody can
// come to own one that is being taken over. Nothing rests on time.
package inventory

// Package ssh is how an executor reaches a host: it connects, checks the host's key, logs in and runs commands.
//
// # A connection's life
//
//	Dial ──> open ── Close, a broken connection, or silence ──> ended
//
// An open Client carries any number of Runs at once, each in a channel of its own. It ends once and for one reason: the
// reason that comes first is what every pending and every later Run returns (ErrStalled, ErrConnectionLost).
//
// # Jump hosts
//
// Client.Dial connects to a further host through this one. Any number of connections share the one to the jump host, and
// end with it.
//
// # Silence
//
// An idle connection and a dead host look the same, so the client asks for an answer every Options.KeepAlive. Whatever
// the host sends counts as a sign of life, not the answer alone: on a slow line the question waits its turn behind
// megabytes of package, while the host's acknowledgements keep arriving.
//
// # Goroutines
//
// A Client owns one that watches the connection, one for the keepalive and its pending question, and two for each Run.
// Close ends them and waits for them. The exception is the one that reads Command.Stdin: a Read that is under way can
// only be left to return by itself.
package ssh

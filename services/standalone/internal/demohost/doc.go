// Package demohost is a host to deploy to that needs nothing installed: an SSH server in this process that gives each
// command to the machine's own sh, at home in a directory of the host's own. To who is logged in it looks like a small
// server; it is none, for commands see the whole machine, with the rights of this process or what it lends them. So it
// listens on loopback alone, makes a host key of its own at each start, and takes one public key and nothing else.
//
// # Life of a command
//
//	started ── ends by itself, output read ──> exit status sent ──> channel closed ──> group killed
//	   └────────── channel closed, connection lost, or Close ─────────────────────────────┘
//
// Each command leads a session and a process group of its own. What is still in the group when its channel is closed is
// killed, so nothing that a command left in the background outlives it, and a dead client leaves no process behind.
// A process that leaves the group by its own doing is not found again.
//
// Three goroutines serve a connection: one each for its requests, its channels and its end. Each command has one that
// answers its requests and four more: one waits for it, three copy its input and output. Close ends them all and waits.
package demohost

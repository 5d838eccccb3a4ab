// Package hostcmd builds the commands for a host, and reads what it answers. It
// runs nothing.
//
// A command line is `sh -c '<script>' slipway-<name> '<argument>' …`. The script
// is constant, put together from the files in scripts/; what varies comes as
// arguments, quoted by Quote, and never becomes shell text. The login shell may
// be any that reads single quotes as sh does, or fish; csh does not. On the host
// it takes Linux, an sh that passes its descriptors on (dash, bash, busybox; not
// ksh), coreutils or busybox, tar, gzip and flock.
//
// # Sessions
//
// The commands of one attempt go to the host in one session, in which a shell
// does one step after the other, each only when it is asked for, and none after one that
// failed:
//
//	command line: the fence, and the first command as arguments
//	stdin:        a line for each other command, and after it its content
//	stdout:       results, and a line for the end of each: KeyDone, or KeyOver where the session takes no other
//	stderr:       complaints, and EndOfStderr after those of each command
//
// What Perform runs for the user writes to the same streams. So there the end of a
// command is no line, which it could write itself: after Mark all is its own, and the
// exit code of the session tells how it ended.
//
// A command costs one round trip, and no start of a shell; one that is asked for along with
// another (AndThen) costs none. Content is of a size
// that is said before, and the shell reads no byte beyond: what a step leaves
// unread ends the session, as it must not be taken for commands. Where dd cannot
// do that, the session says so as it comes to content (KeyUncut): then the end of
// stdin ends that, and the session with it.
//
// # One at a time
//
// Every session begins with a fence; what only reads (Inspect, Manifest, Tail) needs
// none. It takes a lock for the login ($HOME/.slipway/lock), refuses a token lower
// than the highest that it has seen of the installation, and kills the process group
// of an older or equal token that still holds the lock. Tokens of different
// installations are never compared; they wait for each other, for Fence.Wait at most.
//
// A session holds the lock until its shell ends, also while it waits for a
// command. So whoever has begun one ends it soon; a lost connection does, too, as
// soon as the host knows of it. Clean ends it by itself, as nothing is to follow.
//
// Two things follow for who runs the commands. Each session needs a process group
// of its own, which sshd gives; a server that does not would have its own group
// killed. And a token has one session at a time, as a second one takes the first
// for a leftover. A process that is to outlive its command must close fd 9, or it
// keeps the lock. Perform does that for what it runs, and is the last of its
// session: what that leaves running is in the group of one that has ended, and
// nobody kills it.
//
// # What a command leaves behind
//
// Each can be killed at any moment and repeated. `current` points at a complete
// release or does not exist, whatever happens; the order of writes in the
// scripts is what gives that, and the tests kill them between any two.
package hostcmd

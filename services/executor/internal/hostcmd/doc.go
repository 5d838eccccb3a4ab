// Package hostcmd builds the command line of each exec on a host, and reads
// what it answers. It runs nothing.
//
// A command is `sh -c '<script>' slipway-<step> '<argument>' …`. The script is
// constant, put together from the files in scripts/; what varies comes as
// arguments, quoted by Quote, and never becomes shell text. The login shell may
// be any that reads single quotes as sh does, or fish; csh does not. On the host
// it takes Linux, an sh that passes its descriptors on (dash, bash, busybox; not
// ksh), coreutils or busybox, tar, gzip and flock.
//
// # One at a time
//
// Every command but Inspect begins with a fence. It takes a lock for the login
// ($HOME/.slipway/lock), refuses a token lower than the highest that it has
// seen of the installation, and kills the process group of an older or equal
// token that still holds the lock. Tokens of different installations are never
// compared; they wait for each other, for Fence.Wait at most.
//
// Two things follow for who runs the commands. Each needs a session or process
// group of its own, which sshd gives; a server that does not would have its own
// group killed. And the commands of one token run one after another, as a second
// one takes the first for a leftover. A process that is to outlive its command
// must close fd 9, or it keeps the lock.
//
// # What a command leaves behind
//
// Each can be killed at any moment and repeated. `current` points at a complete
// release or does not exist, whatever happens; the order of writes in the
// scripts is what gives that, and the tests kill them between any two.
package hostcmd

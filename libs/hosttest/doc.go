// Package hosttest runs real OpenSSH hosts for tests.
//
// Each host is a process `sshd -D -e` of its own on loopback, with its own address, port, host key, directory and
// home. All of them log in as the user who runs the test; what makes them different hosts is HOME, which sshd sets for
// every session to the host's own directory. A host can be stopped, frozen, given another host key or a full disk, so
// that tests meet the faults that operators meet. With WithRoot, it has a root file system of its own as well: programs
// that write to /tmp or /srv, or find the home by themselves, then meet different hosts, too. No host has an sftp
// subsystem unless WithSettings gives it one: nothing of Slipway needs it.
//
// # States of a host
//
//	running ── Freeze ──> frozen ── Thaw ──> running
//	running, frozen ── Stop ──> stopped ── Start ──> running
//
// KillSessions and ReplaceHostKey leave a host running. Methods may be called from any goroutine; those of one host
// run one after the other. A method that fails marks the test as failed (Errorf), it never ends the calling goroutine.
//
// # What it needs
//
// Linux (it reads /proc) and sshd. WithSmallDisk, WithPassword and WithRoot need root too, because they mount. What is
// missing ends the test with t.Fatal, which names it: a test that asks for a host is never skipped.
//
// # What is left behind
//
// Nothing: the test's cleanup kills every process of every host, waits for their end and unmounts. If the test's own
// process is killed, the kernel kills the sshd processes with it.
package hosttest

// Package supervisortest runs a real supervisord for tests: a process of its own, whose
// socket and configuration are in a directory of the test's.
//
// It needs Debian's package supervisor. Without it the test ends with t.Fatal, which
// names it.
package supervisortest

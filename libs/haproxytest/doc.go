// Package haproxytest runs a real HAProxy for tests: a process of its own with one
// backend, whose frontend and runtime API are sockets in a directory of the test's.
//
// It needs Debian's package haproxy. Without it the test ends with t.Fatal, which
// names it.
package haproxytest

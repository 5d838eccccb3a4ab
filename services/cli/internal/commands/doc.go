// Package commands is the command line: one file a command, and what they share.
//
//	root.go     the tree of commands and the flags of all     exit.go    errors, and which status says what
//	session.go  from settings, environment and flags to a client
//	output.go   text or JSON, on a terminal or not            watching.go  a deployment followed to its end
package commands

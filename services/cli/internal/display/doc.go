// Package display is how things look: pure functions from what the server said to lines of text, and a writer that
// keeps a block of such lines up to date on a terminal.
//
//	frame.go   a deployment under way, for a live display of so many columns and lines
//	change.go  one change, as a plain line
//	report.go  tables and summaries        output.go  what was said on hosts
//	table.go   columns       clean.go  harmless text       cells.go  how wide text is       format.go  times and sizes
//	live.go    the block on the terminal, redrawn in place
//
// Names, notes and reasons come from servers and hosts: every function here passes them through Clean, so that nothing
// that another machine said can steer the terminal.
package display

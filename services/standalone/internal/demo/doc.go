// Package demo is the play behind `make demo`: all of Slipway for real, on hosts that need nothing installed.
//
//	acts.go          what happens, in order
//	stage.go         what it happens on, and how it is cleared away
//	installation.go  slipway-standalone, as a process
//	fleet.go         the hosts, and what runs on them
//	site.go          the package that is deployed
//	terminal.go      what is said, and the commands that are shown
//
// Nothing is simulated: the programs are those that are installed elsewhere, the hosts are reached over SSH, and what
// goes wrong on one of them is found there. Everything lives below one temporary directory, which goes in the end, with
// every process, however the demo ends.
package demo

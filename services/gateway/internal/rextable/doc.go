// Package rextable reads the table in which rex keeps its programs and the servers that
// they run on (rows.go, program.go), and says what they are in Slipway (native.go). The
// dialect rex works by it, and imports take it over.
package rextable

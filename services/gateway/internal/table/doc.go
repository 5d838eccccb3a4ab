// Package table reads tables that others have exported: as CSV (csv.go), or as a dump
// of a database in SQL (sql.go). It says which line each row stands on, and what is
// wrong; what a row means, others know.
//
// A table comes from anywhere. Nothing in it is carried out, and reading takes time in
// proportion to its length.
package table

// Package audit is the format of the audit log, and what is true of a log that nobody has touched.
//
// The log is a chain of entries, numbered from one without a gap. Each carries the hash of the one before it, and its own:
// SHA-256 over its canonical JSON without the field hash, in lower-case hexadecimal. Canonical JSON is RFC 8785: keys in
// order, no space, nothing escaped that need not be. docs/audit.md says the same for those who verify with a program of
// their own.
//
// The gateway writes entries (Head.Link), the command line verifies them (Verify). This package does no input or output.
package audit

// Package auditlog writes and reads the audit log (libs/audit) in the stream AUDIT.
//
// All gateways write one chain (libs/audit/chain). Each has one writer (writer.go), which takes what waits and stores it
// as one message.
//
// What must be stored before something is changed is waited for (Ask, Ticket.Wait). What became of it is told and not
// waited for (Tell). Calls that were refused before that are counted where they are too many (flood.go), so that nobody
// can fill the disk by being refused.
package auditlog

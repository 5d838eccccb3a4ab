// Package hosts connects to the targets of jobs (dialer.go): it opens their
// credentials, passes through their jump hosts, verifies host keys, and has the key
// of a first contact recorded. Connections are kept for whoever needs them next
// (pool.go), and no more of them are opened at once than hosts and networks bear
// (starts.go).
package hosts

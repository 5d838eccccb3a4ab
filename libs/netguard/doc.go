// Package netguard keeps services from being sent to where a client may not go
// itself: a URL that a request names must be http or https (url.go) and lead to
// a public address, or to one that the configuration allows (guard.go). What it
// looks at is the address of the very connection, after DNS and at each redirect
// (transport.go). Errors are explained without the URL (explain.go).
package netguard

// Package web fetches packages over http and https (ask.go): again where a
// connection breaks, from where it broke (download.go), to nowhere that the
// configuration does not allow (client.go). Storage that speaks S3 is fetched
// from in the same way, with its own way to sign (internal/source/s3).
//
// What a server says is repeated in no error, beyond its status and a code; nor
// is the query of a URL, which may be a secret.
package web

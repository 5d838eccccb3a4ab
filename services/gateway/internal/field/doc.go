// Package field reads what a client sent, field by field, and collects
// everything that is wrong with it, so that one answer can name every bad field
// at once: the fields of a JSON object (object.go) and query parameters
// (query.go).
//
// Messages never repeat a value: it may be a secret.
package field
